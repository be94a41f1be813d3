"""Datasets whose owners want to know who takes them, or do not let others hand them on: three lines each."""

from data_scripts.dataset import Dataset

GATED = (
    Dataset(
        name="nyu",
        title="NYU hands: 72,757 + 8,252 depth frames with 36 joints (Tompson et al. 2014)",
        licence="research use, cite Tompson et al. 2014",
        how_to_obtain=(
            "The authors give it at https://jonathantompson.github.io/NYU_Hand_Pose_Dataset.htm, without registration.",
            "Take nyu_hand_dataset_v2.zip (92 GB) and unpack it: train/ and test/ each with joint_data.mat and PNGs.",
            "Put both folders into data/nyu and read them with  course_lib.datasets.load_nyu('data').",
        ),
    ),
    Dataset(
        name="icvl",
        title="ICVL hands: depth frames with 16 joints (Tang et al. 2014)",
        licence="research use, cite Tang et al. 2014",
        how_to_obtain=(
            "The authors give it at https://labicvl.github.io/hand.html on their terms.",
            "Take the test sequences test_seq_1 and test_seq_2 with their .txt of joints, and the training set.",
            "Put Testing and Training into data/icvl and read them with  course_lib.datasets.load_icvl('data').",
        ),
    ),
    Dataset(
        name="msra",
        title="MSRA hands: 76,375 depth frames of nine people with 21 joints (Sun et al. 2015)",
        licence="research use, cite Sun et al. 2015",
        how_to_obtain=(
            "The author links it from https://jimmysuen.github.io/, without registration.",
            "Take cvpr15_MSRAHandGestureDB.zip and unpack it: P0/1/joint.txt, P0/1/000000_depth.bin and so on.",
            "Put the folders P0 to P8 into data/msra and read them with  course_lib.datasets.load_msra('data').",
        ),
    ),
    Dataset(
        name="h36m",
        title="Human3.6M: 3.6 million poses of eleven actors (Ionescu et al. 2014)",
        licence="academic use only after registration, no redistribution",
        how_to_obtain=(
            "Register at http://vision.imar.ro/human3.6m with an academic address.",
            "Take the poses as exponential maps (h3.6m.zip), and the annotations h36m_annot.tar of Coarse-to-fine.",
            "Put dataset/S1 ... into data/h36m (load_h36m), annot/valid.mat ... into data/h36m/annot (load_c2f).",
        ),
    ),
    Dataset(
        name="mpii",
        title="MPII Human Pose: 25,000 pictures with 16 joints (Andriluka et al. 2014)",
        licence="annotations Simplified BSD; pictures for non-commercial research",
        how_to_obtain=(
            "The pictures (mpii_human_pose_v1.tar.gz, 13 GB) are at http://human-pose.mpi-inf.mpg.de after its terms.",
            "Take valid.h5, valid_images.txt and so on from data/mpii/annot of github.com/princeton-vl/pose-hg-train.",
            "Put images/ and annot/ into data/mpii and read them with  course_lib.datasets.load_mpii('data').",
        ),
    ),
    Dataset(
        name="ordinal",
        title="LSP and MPII with ordinal depth: 2,000 and 13,030 pictures (Pavlakos et al. 2018)",
        licence="see the LICENSE file inside; research use",
        how_to_obtain=(
            "The authors link it from https://www.seas.upenn.edu/~pavlakos/projects/ordinal (the server may be gone).",
            "Take lsp-mpii-ordinal.zip and unpack it: lsp_dataset_original/ and mpii_upis1h/.",
            "Put both folders into data/ordinal and read them with  course_lib.datasets.load_ordinal('data', 'lsp').",
        ),
    ),
    Dataset(
        name="market1501",
        title="Market-1501: 32,668 crops of 1,501 pedestrians, 64 x 128 (Zheng et al. 2015)",
        licence="non-commercial research only",
        how_to_obtain=(
            "The authors give it at https://zheng-lab-anu.github.io/Project/project_reid.html on its terms.",
            "Take Market-1501-v15.09.15.zip, and market-annotation-train.csv from the code of a pose-transfer paper.",
            "Unpack it in data/market1501 and put the .csv there too; load_market('data') reads bounding_box_train.",
        ),
    ),
    Dataset(
        name="deepfashion",
        title="DeepFashion, In-shop Clothes Retrieval: 52,712 fashion pictures, 256 x 256 (Liu et al. 2016)",
        licence="non-commercial research only, after an agreement",
        how_to_obtain=(
            "Sign the agreement of http://mmlab.ie.cuhk.edu.hk/projects/DeepFashion.html (In-shop) for the password.",
            "Take img.zip, and fasion-annotation-*.csv with flattened names from the code of a pose-transfer paper.",
            "Put the pictures into data/deepfashion/train and test, the .csv beside; load_deepfashion('data').",
        ),
    ),
    Dataset(
        name="celeba",
        title="CelebA: 202,599 faces with 40 attributes (Liu et al. 2015)",
        licence="non-commercial research only, no redistribution; the pictures are not owned by CUHK",
        how_to_obtain=(
            "Agree to the terms at http://mmlab.ie.cuhk.edu.hk/projects/CelebA.html, which links the files.",
            "Take img_align_celeba.zip, list_attr_celeba.txt and identity_CelebA.txt.",
            "Put the three into data/celeba (the zip stays packed): course_lib.datasets.load_celeba('data').",
        ),
    ),
    Dataset(
        name="kitti",
        title="KITTI odometry: 22 drives with stereo pictures, eleven with the path (Geiger et al. 2012)",
        licence="CC BY-NC-SA 3.0, A. Geiger et al.",
        how_to_obtain=(
            "Register at https://www.cvlibs.net/datasets/kitti/eval_odometry.php.",
            "Take data_odometry_gray.zip (22 GB), data_odometry_calib.zip and data_odometry_poses.zip.",
            "Unpack all three into data/kitti (dataset/sequences, dataset/poses); load_kitti('data', '06') reads one.",
        ),
    ),
    Dataset(
        name="seven_scenes",
        title="7-Scenes: RGB-D sequences of seven rooms with camera poses (Shotton et al. 2013)",
        licence="non-commercial research, Microsoft Research licence",
        how_to_obtain=(
            "Accept the terms at https://www.microsoft.com/en-us/research/project/rgb-d-dataset-7-scenes/.",
            "Take one scene, such as chess.zip, and unpack it and the seq-01.zip inside.",
            "Put the folder chess into data/seven_scenes; load_seven_scenes('data', 'chess/seq-01') reads a sequence.",
        ),
    ),
    Dataset(
        name="virtual_kitti",
        title="Virtual KITTI 1.3.1: 50 rendered drives with depth, flow and poses (Gaidon et al. 2016)",
        licence="CC BY-NC-SA 3.0, Naver Labs Europe",
        how_to_obtain=(
            "See https://europe.naverlabs.com/research/computer-vision/proxy-virtual-worlds-vkitti-1/ for the terms.",
            "Take vkitti_1.3.1_rgb.tar (14 GB), vkitti_1.3.1_depthgt.tar and vkitti_1.3.1_extrinsicsgt.tar.gz.",
            "Unpack all three into data/virtual_kitti; load_virtual_kitti('data', '0001', 'clone') reads one drive.",
        ),
    ),
)
