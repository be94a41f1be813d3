import subprocess
import sys


def test_authors_tools_start_without_torch():
    code = (
        "import sys\n"
        "import course_lib.authoring.address, course_lib.authoring.lint, course_lib.authoring.notebooks\n"
        "import course_lib.authoring.pairs, course_lib.authoring.student\n"
        "print([name for name in ('torch', 'papermill', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
