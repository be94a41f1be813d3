"""Which real datasets the course can use: where they are, under which terms, and how a whole file is recognised."""

from data_scripts.dataset import Address, Dataset, RemoteFile
from data_scripts.gated_sets import GATED
from data_scripts.open_sets import MNIST, OPEN

CATALOGUE = {dataset.name: dataset for dataset in (*OPEN, *GATED)}

__all__ = ["CATALOGUE", "MNIST", "Address", "Dataset", "RemoteFile"]
