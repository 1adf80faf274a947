/* SPDX-License-Identifier: MIT */
/* version.h - which Weir was compiled against, and which is running. */
#ifndef WEIR_VERSION_H
#define WEIR_VERSION_H

#include <weir/common.h>

#define WEIR_VERSION_MAJOR 0
#define WEIR_VERSION_MINOR 1
#define WEIR_VERSION_PATCH 0
#define WEIR_VERSION_HEX 0x000100

WEIR_BEGIN_DECLS

/* The version of the library that is linked, "0.1.0"; static. */
WEIR_API const char *weir_version(void);

WEIR_END_DECLS

#endif
