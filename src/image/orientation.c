/* Letters for directions in the patient, and the letters opposite to given ones. */
#include "image/orientation.h"

#include <math.h>
#include <string.h>

/* Cosines below this are the rounding of sixteen characters of a DS, not a plane that leans. */
static const double leaning = 1e-4;

/* ---- from directions ---- */

/* Where each axis leads: [quadruped][axis][towards larger values]. PS3.3 C.7.6.2.1.1. */
static const char *const axis_letters[2][3][2] = {
    {{"R", "L"}, {"A", "P"}, {"F", "H"}},
    {{"RT", "LE"}, {"V", "D"}, {"CD", "CR"}},
};

/* Appends the letters of one direction, the axis with the largest share first. */
static void name_direction(const double unit[3], bool quadruped, char out[8]) {
  bool used[3] = {false, false, false};
  out[0] = 0;
  for (int n = 0; n < 3; n++) {
    int best = -1;
    for (int a = 0; a < 3; a++) {
      if (!used[a] && (best < 0 || fabs(unit[a]) > fabs(unit[best]))) best = a;
    }
    if (fabs(unit[best]) <= leaning) return;
    used[best] = true;
    strcat(out, axis_letters[quadruped][best][unit[best] > 0]); /* three of two characters, and the end */
  }
}

static bool to_unit(const double v[3], double out[3]) {
  double length = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
  if (!(length > 0) || !isfinite(length)) return false;
  for (int a = 0; a < 3; a++) out[a] = v[a] / length;
  return true;
}

static void negate(const double v[3], double out[3]) {
  for (int a = 0; a < 3; a++) out[a] = -v[a];
}

bool nsc_edges_of_directions(const double columns[3], const double rows[3], bool quadruped, nsc_edges *out) {
  double right[3], bottom[3], left[3], top[3];
  if (!to_unit(columns, right) || !to_unit(rows, bottom)) return false;
  negate(right, left);
  negate(bottom, top);
  name_direction(left, quadruped, out->left);
  name_direction(right, quadruped, out->right);
  name_direction(top, quadruped, out->top);
  name_direction(bottom, quadruped, out->bottom);
  return true;
}

/* ---- from letters ---- */

typedef struct letter_pair {
  const char *name, *opposite;
} letter_pair;

static const letter_pair biped_pairs[] = {{"L", "R"}, {"R", "L"}, {"A", "P"}, {"P", "A"}, {"H", "F"}, {"F", "H"}};

/* Of two characters first: R is rostral, RT right. */
static const letter_pair quadruped_pairs[] = {{"LE", "RT"}, {"RT", "LE"}, {"CR", "CD"}, {"CD", "CR"}, {"PR", "DI"},
                                              {"DI", "PR"}, {"PA", "D"},  {"PL", "D"},  {"D", "V"},   {"V", "D"},
                                              {"R", "CD"},  {"M", "L"},   {"L", "M"}};

/* The pair whose name `chars` begin with, or NULL. */
static const letter_pair *find_pair(const char *chars, size_t size, bool quadruped) {
  const letter_pair *pairs = quadruped ? quadruped_pairs : biped_pairs;
  size_t count = quadruped ? sizeof quadruped_pairs / sizeof *pairs : sizeof biped_pairs / sizeof *pairs;
  for (size_t i = 0; i < count; i++) {
    size_t length = strlen(pairs[i].name);
    if (size >= length && memcmp(chars, pairs[i].name, length) == 0) return &pairs[i];
  }
  return NULL;
}

/* One value and its opposite; false, and both empty, where it is no list of up to three letters. */
static bool read_letters(const char *chars, size_t size, bool quadruped, char out[8], char opposite[8]) {
  out[0] = opposite[0] = 0;
  size_t at = 0;
  for (int n = 0; n < 3 && at < size; n++) {
    const letter_pair *pair = find_pair(chars + at, size - at, quadruped);
    if (!pair) break;
    strcat(out, pair->name);
    strcat(opposite, pair->opposite);
    at += strlen(pair->name);
  }
  if (at == size && size > 0) return true;
  out[0] = opposite[0] = 0;
  return false;
}

bool nsc_edges_of_letters(const char *right, size_t right_size, const char *bottom, size_t bottom_size, bool quadruped,
                          nsc_edges *out) {
  nsc_edges edges;
  bool across = read_letters(right, right_size, quadruped, edges.right, edges.left);
  bool down = read_letters(bottom, bottom_size, quadruped, edges.bottom, edges.top);
  if (!across && !down) return false;
  *out = edges;
  return true;
}

void nsc_edges_write(const nsc_edges *edges, nsc_text *t) {
  if (!edges) {
    nsc_json_null(t);
    return;
  }
  const char *all[4] = {edges->left, edges->right, edges->top, edges->bottom};
  nsc_json_array(t);
  for (int i = 0; i < 4; i++) nsc_json_string(t, all[i][0] ? all[i] : NULL);
  nsc_json_end_array(t);
}
