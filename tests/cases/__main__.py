"""Prints the figures of the cases whose id begins with one of the arguments, or of all."""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from cases.figures import checked, report
from cases.reading import cases
from cases.serving import outcomes

wanted = [case for case in cases() if case.id.startswith(tuple(sys.argv[1:] or ("",)))]
with TemporaryDirectory() as folder:
    print(report(checked(asyncio.run(outcomes(wanted, Path(folder))))))
