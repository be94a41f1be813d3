"""Cameras, rotations, rigid motion, skeletons and kinematics, warping and alignment.

Empty so far: lesson 05 (worlds) brings the pinhole and weak-perspective cameras and the kinematic chains, lesson 12
the warping, and lesson 14 the alignment that pose metrics need.
"""
