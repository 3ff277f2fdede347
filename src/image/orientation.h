/* Letters at the edges of a picture: where left, right, top and bottom lead in the patient. PS3.3 C.7.6.1.1.1. */
#ifndef NSC_IMAGE_ORIENTATION_H
#define NSC_IMAGE_ORIENTATION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

/* Letters of one edge, "" where nobody knows: up to three, of two characters each in animals. */
typedef struct nsc_edges {
  char left[8], right[8], top[8], bottom[8];
} nsc_edges;

/*
 * From directions in the patient's LPS coordinates (PS3.3 C.7.6.2.1.1), of any length: `columns` is where the next
 * pixel of a row lies, `rows` where the next row. The principal axis comes first, then those that the direction leans
 * to. For QUADRUPED the letters are LE RT D V CR CD. False, and nothing written, when a direction is none.
 */
bool nsc_edges_of_directions(const double columns[3], const double rows[3], bool quadruped, nsc_edges *out);

/*
 * From the two values of Patient Orientation (0020,0020), which name the right and the bottom edge; the others are
 * their opposites. A value of size 0, or with a letter that is none, leaves its edges empty. False when both do.
 */
bool nsc_edges_of_letters(const char *right, size_t right_size, const char *bottom, size_t bottom_size, bool quadruped,
                          nsc_edges *out);

/* [left, right, top, bottom], null where an edge has no letters, or for NULL instead of all four. */
void nsc_edges_write(const nsc_edges *edges, nsc_text *t);

#endif
