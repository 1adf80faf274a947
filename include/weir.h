/* SPDX-License-Identifier: MIT */
/* weir.h - channels between threads.  All of Weir's headers at once. */
#ifndef WEIR_H
#define WEIR_H

#include <weir/channel.h>
#include <weir/common.h>
#include <weir/duplex.h>
#include <weir/pipeline.h>
#include <weir/poll.h>
#include <weir/scope.h>
#include <weir/select.h>
#include <weir/timer.h>
#include <weir/typed.h>
#include <weir/version.h>

#endif
