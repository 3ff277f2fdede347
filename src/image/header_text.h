/* Headers that are lines of text: MetaImage and NRRD. Values are pieces of the file, not terminated. */
#ifndef NSC_IMAGE_HEADER_TEXT_H
#define NSC_IMAGE_HEADER_TEXT_H

#include "base/bytes.h"
#include "negatoscope.h"

typedef struct nsc_piece {
  const char *chars;
  size_t size;
} nsc_piece;

/* The next line without its end (LF or CR LF) and white space around. False at the end of the file. */
bool nsc_take_line(nsc_reader *r, nsc_piece *line);
/* Splits at the first `mark`; both parts lose the white space around them. False without one. */
bool nsc_split(nsc_piece line, const char *mark, nsc_piece *name, nsc_piece *value);
/* Letters of either case are the same. */
bool nsc_piece_is(nsc_piece p, const char *text);
/* Moves over the next word, which white space ends. False when there is none. */
bool nsc_take_word(nsc_piece *rest, nsc_piece *word);
/* The piece as one number; false when it is none, not finite, or followed by something else. */
bool nsc_piece_number(nsc_piece p, double *out);
/* A whole number 0..2^63-1. */
bool nsc_piece_count(nsc_piece p, uint64_t *out);
/* Numbers between white space, exactly `count` of them. */
bool nsc_piece_numbers(nsc_piece p, double *out, uint32_t count);

/* A copy, ended by free; NULL of an empty piece, or without memory. */
char *nsc_piece_copy(nsc_piece p);

#endif
