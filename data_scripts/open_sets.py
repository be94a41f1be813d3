"""Datasets that anybody may fetch. A checksum stands only where one is published; else the size, where it is known."""

from data_scripts.dataset import Address, Dataset, RemoteFile

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

# One file for each of the first hundred MNIST test images; the sizes of single files are not published.
MNIST_CDCB = Dataset(
    name="mnist_cdcb",
    title="MNIST-CD/CB: 100 pairs of coloured digits and coloured backgrounds, 256 x 256 (Gonzalez-Garcia et al. 2018)",
    licence="MIT, A. Gonzalez-Garcia; the digits CC BY-SA 3.0, Y. LeCun and C. Cortes",
    files=tuple(RemoteFile(f"{number:05d}.png") for number in range(1, 101)),
    addresses=(
        Address(
            "https://raw.githubusercontent.com/agonzgarc/cross-domain-disen/"
            "59b2fc554d7948ad21fe07e341beed4a59501dc0/DATA/MNISTCDCB/"
        ),
    ),
)

CMU_MOCAP = Dataset(
    name="cmu_mocap",
    title="CMU Graphics Lab motion capture: 2,435 motions of 112 people in ASF/AMC, about 1.1 GB",
    licence="free for any use, no resale of the data; created with funding from NSF EIA-0196217",
    files=(RemoteFile("allasfamc.zip", unpack=True),),
    addresses=(Address("http://mocap.cs.cmu.edu/"),),
    how_to_obtain=(
        "The same motions as BVH are at https://github.com/una-dinosauria/cmu-mocap: nobody asks for a registration.",
        "Take the archive of that repository and unpack it.",
        "Put the .bvh files below a folder cmu_mocap/bvh and read them with  course_lib.datasets.load_cmu(...).",
    ),
)

ITOP = Dataset(
    name="itop",
    title="ITOP: 3D joints of people before a depth camera, side view, test half (Haque et al. 2016)",
    licence="CC BY 4.0, A. Haque et al.; this copy of the joints MIT, B. Zhang (A2J)",
    files=(RemoteFile("itop_side_keypoints3D_test.mat", 875_552),),
    addresses=(
        Address(
            "https://raw.githubusercontent.com/zhangboshen/A2J/4b6768036a3f332f25faf35e7da944c1552b6f7c/data/itop_side/"
        ),
    ),
    how_to_obtain=(
        "The training half and the depth maps (23 GB) are at https://zenodo.org/records/3932973, open to all.",
        "Take ITOP_side_train_labels.h5.gz and unpack it with  gunzip.",
        "Put ITOP_side_train_labels.h5 into the same folder: load_itop(..., split='train') reads it.",
    ),
)

OLIVETTI = Dataset(
    name="olivetti",
    title="Olivetti faces: 400 pictures of 40 people, 64 x 64 (AT&T Laboratories Cambridge)",
    licence="free to use with credit to AT&T Laboratories Cambridge; prepared by S. Roweis",
    files=(
        # The checksum is the one that scikit-learn publishes for its copy.
        RemoteFile(
            "olivettifaces.mat",
            sha256="b612fb967f2dc77c9c62d3e1266e0c73d5fca46a4b8906c18e454d41af987794",
            remote_name="5976027",
        ),
    ),
    addresses=(Address("https://ndownloader.figshare.com/files/"),),
)

LSP = Dataset(
    name="lsp",
    title="Leeds Sports Pose: 2,000 people in sports, 14 joints (Johnson and Everingham 2010)",
    licence="research use; the pictures belong to their owners on Flickr",
    files=(RemoteFile("lsp_dataset.zip", unpack=True),),
    addresses=(Address("https://sam.johnson.io/research/"), Address("http://sam.johnson.io/research/")),
)

LSPET = Dataset(
    name="lspet",
    title="Leeds Sports Pose extended: 10,000 people in sports, 14 joints (Johnson and Everingham 2011)",
    licence="research use; the pictures belong to their owners on Flickr",
    files=(RemoteFile("lspet_dataset.zip", unpack=True),),
    addresses=(Address("https://sam.johnson.io/research/"), Address("http://sam.johnson.io/research/")),
)

EDGES2SHOES = Dataset(
    name="edges2shoes",
    title="edges2shoes: 50,025 pairs of drawn edges and photos of shoes, 256 x 256, about 2 GB (Isola et al. 2017)",
    licence="academic use; photos from UT Zappos50K (Yu and Grauman 2014)",
    files=(RemoteFile("edges2shoes.tar.gz", unpack=True),),
    addresses=(
        Address("https://efrosgans.eecs.berkeley.edu/pix2pix/datasets/"),
        Address("http://efrosgans.eecs.berkeley.edu/pix2pix/datasets/"),
    ),
)

OPEN = (MNIST, DIGITS, MNIST_CDCB, CMU_MOCAP, ITOP, OLIVETTI, LSP, LSPET, EDGES2SHOES)
