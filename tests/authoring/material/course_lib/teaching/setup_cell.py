SETUP_CELL = """# Installs the course where it is missing.
REPOSITORY = ""
print("ready")"""
