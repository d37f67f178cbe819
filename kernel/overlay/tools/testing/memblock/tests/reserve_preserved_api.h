/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _MEMBLOCK_RESERVE_PRESERVED_H
#define _MEMBLOCK_RESERVE_PRESERVED_H

#include "common.h"

int memblock_reserve_preserved_checks(void);

#endif
