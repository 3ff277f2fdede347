/* Between data.c and data_list.c: what lies in a folder, a table or an .npz. */
#ifndef NSC_CLI_DATA_LIST_H
#define NSC_CLI_DATA_LIST_H

#include "cli/data.h"

/* Fills labels, samples and the .npz of `data`, splits where they are given. On failure the caller drops `data`. */
NSC_WARN_UNUSED nsc_status nsc_cli_data_list(const char *path, const nsc_cli_data_options *options, nsc_cli_data *data,
                                             nsc_error *err);

#endif
