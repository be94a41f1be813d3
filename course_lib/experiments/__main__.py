"""`python -m course_lib.experiments 01_elbo`: measure what is not measured yet, one seed a core, two at once."""

import sys

from course_lib.experiments.measure import main

if __name__ == "__main__":
    sys.exit(main())
