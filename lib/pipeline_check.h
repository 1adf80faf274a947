/* SPDX-License-Identifier: MIT */
/* pipeline_check.h - do these stages make a pipeline?  And the sentence that
 * says why not. */
#ifndef WI_PIPELINE_CHECK_H
#define WI_PIPELINE_CHECK_H

#include <weir/pipeline.h>

/* WEIR_OK, or INVALID_ARGUMENT with a message that names the stage.  There is
 * one at least. */
int wi_pipeline_check(const weir_stage *stages, size_t count,
	const weir_pipeline_options *options);

/* Put a message where the options say. */
void wi_pipeline_say(const weir_pipeline_options *options, const char *format,
	...) __attribute__((format(printf, 2, 3)));

/* Never NULL. */
const char *wi_pipeline_stage_name(const weir_stage *stage);

#endif
