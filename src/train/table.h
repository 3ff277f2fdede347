/*
 * A data set listed in a table: CSV (RFC 4180) with a line for each picture, as spreadsheets write it.
 *
 *   file,label,patient,split
 *   films/a.png,normal,17,train
 *
 * The first line names the columns, in any order and case: "file" (or "path", "image", "filename"), "label" (or
 * "class"), and if there are any "patient" and "split"; others are skipped. The delimiter is a comma, a semicolon or a
 * tab, whichever stands in the first line; a byte order mark and any line end are taken; empty lines are skipped.
 */
#ifndef NSC_TRAIN_TABLE_H
#define NSC_TRAIN_TABLE_H

#include "base/arena.h"
#include "train/split.h"

typedef struct nsc_table_row {
  const char *file, *label; /* never empty; without a label where other columns were asked for */
  const char *const *extra; /* of the columns asked for; NULL for one that the table does not have */
  const char *patient;      /* NULL where the table has none */
  nsc_split split;
  bool split_given; /* false where the field is empty */
  uint32_t line;    /* 1-based, where the row begins */
} nsc_table_row;

typedef struct nsc_table {
  nsc_arena arena; /* of the texts */
  nsc_table_row *rows;
  uint32_t count, capacity;
} nsc_table;

/* A column by its name, in any case. */
typedef struct nsc_table_column {
  const char *name;
  bool may_be_absent;
} nsc_table_column;

enum { NSC_TABLE_EXTRA = 32 };

/* The same with other columns, at most NSC_TABLE_EXTRA, and without need of a label. */
NSC_WARN_UNUSED nsc_status nsc_table_parse_columns(const char *chars, size_t size, const nsc_table_column *columns,
                                                   uint32_t count, nsc_table *out, nsc_error *err);

/* `chars` [size] is copied from. Ended by nsc_table_drop. Errors: CORRUPT, naming the line; LIMIT, MEMORY. */
NSC_WARN_UNUSED nsc_status nsc_table_parse(const char *chars, size_t size, nsc_table *out, nsc_error *err);
void nsc_table_drop(nsc_table *table);

#endif
