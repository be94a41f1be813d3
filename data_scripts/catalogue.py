"""Which real datasets the course can use: where they are, under which terms, and how a whole file is recognised."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Address:
    """Where a file can be had.

    Attributes:
        url: The address of the folder; the file's name follows.
        last_seen: The day on which a download from it was seen to work, or `not checked`.
    """

    url: str
    last_seen: str = "not checked"


@dataclass(frozen=True)
class RemoteFile:
    """One file of a dataset.

    Attributes:
        name: Its name, which follows the address and is kept on disk.
        size: Bytes.
        sha256: Published checksum of the file.
        content_sha256: Checksum of what is inside a `.gz`: the same data may have been compressed anew.
    """

    name: str
    size: int
    sha256: str
    content_sha256: str = ""


@dataclass(frozen=True)
class Dataset:
    """A dataset that can be fetched, or one that somebody must give you.

    Attributes:
        name: What the command calls it.
        title: What it is.
        licence: Its terms, shown before anything is fetched.
        files: What there is to fetch.
        addresses: Where to look, in this order.
        how_to_obtain: Three lines for data that cannot be fetched: who gives it, what to do, where to put it.
    """

    name: str
    title: str
    licence: str
    files: tuple[RemoteFile, ...] = ()
    addresses: tuple[Address, ...] = ()
    how_to_obtain: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


MNIST = Dataset(
    name="mnist",
    title="MNIST: 60,000 + 10,000 images of handwritten digits, 28 x 28 (LeCun, Cortes and Burges)",
    licence="CC BY-SA 3.0, Y. LeCun and C. Cortes",
    files=(
        RemoteFile(
            "train-images-idx3-ubyte.gz",
            9_912_422,
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        ),
        RemoteFile(
            "train-labels-idx1-ubyte.gz",
            28_881,
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        ),
        RemoteFile(
            "t10k-images-idx3-ubyte.gz",
            1_648_877,
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        ),
        RemoteFile(
            "t10k-labels-idx1-ubyte.gz",
            4_542,
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    addresses=(
        Address("https://ossci-datasets.s3.amazonaws.com/mnist/"),
        Address("https://storage.googleapis.com/cvdf-datasets/mnist/"),
        Address("http://yann.lecun.com/exdb/mnist/"),
    ),
)

DIGITS = Dataset(
    name="digits",
    title="Digits: 1,797 images of handwritten digits, 8 x 8 (Alpaydin and Kaynak)",
    licence="CC BY 4.0, E. Alpaydin and C. Kaynak",
    how_to_obtain=(
        "The digits come with scikit-learn, which the course installs: there is nothing to fetch.",
        "Read them with  course_lib.datasets.load_digits().",
        "Lessons use them by default; data_root stays empty.",
    ),
)

CATALOGUE = {dataset.name: dataset for dataset in (MNIST, DIGITS)}
