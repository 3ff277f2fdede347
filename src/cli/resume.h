/* A CSV file of results that a command wrote and that another run of it goes on with. */
#ifndef NSC_CLI_RESUME_H
#define NSC_CLI_RESUME_H

#include <stdio.h>

#include "base/text.h"
#include "negatoscope.h"

typedef struct nsc_cli_resume {
  FILE *file;  /* what is written comes behind what is there */
  char **done; /* [count] first fields of its rows as they stand there, sorted */
  size_t count;
  size_t rows; /* rows that were there */
  bool begun;  /* it has its head */
} nsc_cli_resume;

/*
 * Opens `path`, which need not exist, to be gone on with. `head` is the first line as it must be, with its line end,
 * and `model` what must stand in the second column of every row. A last row that was cut off, as a run leaves it that
 * was ended, is removed. Ended by nsc_cli_resume_close, also after an error. Errors: ARGUMENT where the file is of
 * something else, IO, MEMORY.
 */
NSC_WARN_UNUSED nsc_status nsc_cli_resume_open(const char *path, const char *head, const char *model,
                                               nsc_cli_resume *out, nsc_error *err);

/* Whether a row of this file, a first field, is there already. */
bool nsc_cli_resume_has(const nsc_cli_resume *r, const char *file);

/* Errors: IO, so that a full disk ends the run and loses nothing. */
NSC_WARN_UNUSED nsc_status nsc_cli_resume_write(nsc_cli_resume *r, const char *text, nsc_error *err);

/* False where what was written last did not reach the file. Closing what is zero does nothing. */
bool nsc_cli_resume_close(nsc_cli_resume *r);

#endif
