/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The series as data files, and the picture: each device's progress over time, the update's steps as vertical lines. */
#ifndef WITNESS_PLOT_H
#define WITNESS_PLOT_H

#include "run.h"

/*
 * Writes <device>.dat, packets.dat and timeline.gp into the run's directory, and has gnuplot make timeline.svg and .png.
 * Return: 0, -ENOENT (no gnuplot: the files are there all the same), -errno.
 */
int plot_write(const struct run *run);

#endif
