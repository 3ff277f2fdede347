#define _POSIX_C_SOURCE 200809L
#include "cli/data.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/data_list.h"
#include "cli/survival.h"
#include "pipeline/collect.h"
#include "pipeline/survival.h"
#include "train/duplicates.h"

enum {
  SHOWN_COPIES = 5,           /* names in a warning; enough to look at */
  SHOWN_REFUSED = 20,         /* a folder of the wrong kind would fill the screen */
  FIRST_PROGRESS_MS = 3000,   /* shorter jobs say nothing */
  TERMINAL_PROGRESS_MS = 500, /* rewrites its line */
  FILE_PROGRESS_MS = 15000
};

/* ---- options ---- */

bool nsc_cli_data_read_options(const char *verb, nsc_cli_data_options *o) {
  double seed;
  if (!nsc_cli_real(verb, "--validation", o->texts.validation, 0, 0.9, 0.15, &o->validation) ||
      !nsc_cli_real(verb, "--test", o->texts.test, 0, 0.9, 0, &o->test) ||
      !nsc_cli_real(verb, "--seed", o->texts.seed, 0, 9e15, 1, &seed)) {
    return false;
  }
  long folds = nsc_cli_number("--folds", o->texts.folds, 2, 0), fold = nsc_cli_number("--fold", o->texts.fold, 1, 0),
       limit = nsc_cli_number("--limit", o->texts.limit, 1, 0);
  if (folds < 0 || fold < 0 || limit < 0) return false;
  if ((folds > 0) != (fold > 0) || fold > folds) {
    fprintf(stderr, "negatoscope %s: --folds K and --fold I go together, I from 1 to K\n", verb);
    return false;
  }
  if (folds > 0 && o->texts.validation) {
    fprintf(stderr, "negatoscope %s: --folds already says what validates; leave --validation out\n", verb);
    return false;
  }
  o->folds = (uint32_t)folds;
  o->fold = (uint32_t)fold;
  o->limit = (uint32_t)limit;
  o->seed = (uint64_t)seed;
  return true;
}

/* ---- limit and split ---- */

/* Keeps `limit` samples drawn at random, in their order. */
static nsc_status draw(nsc_cli_data *d, uint32_t limit, uint64_t seed, nsc_error *err) {
  if (limit == 0 || limit >= d->count) return NSC_OK;
  uint32_t *order = malloc(d->count * sizeof *order);
  bool *kept = calloc(d->count, sizeof *kept);
  if (order && kept) {
    nsc_rng rng = nsc_rng_seeded(seed);
    for (uint32_t i = 0; i < d->count; i++) order[i] = i;
    nsc_rng_shuffle(&rng, order, d->count);
    for (uint32_t i = 0; i < limit; i++) kept[order[i]] = true;
    uint32_t to = 0;
    for (uint32_t i = 0; i < d->count; i++) {
      if (!kept[i]) continue;
      if (d->rows) d->rows[to] = d->rows[i], d->origins[to] = d->origins[i];
      d->samples[to++] = d->samples[i];
    }
    d->count = to;
  }
  bool ok = order && kept;
  free(order);
  free(kept);
  return ok ? NSC_OK : nsc_fail_memory(err, d->count * sizeof *order, "a random choice");
}

/* What the data say of splits themselves. */
typedef struct given {
  uint32_t samples[NSC_SPLITS], open;
} given;

static given count_given(const nsc_cli_data *d) {
  given g = {0};
  for (uint32_t i = 0; i < d->count; i++) {
    if (d->samples[i].split_given) {
      g.samples[d->samples[i].split]++;
    } else {
      g.open++;
    }
  }
  return g;
}

static nsc_status split_samples(nsc_sample *samples, uint32_t count, uint32_t labels, const nsc_cli_data_options *o,
                                nsc_error *err) {
  if (o->folds == 0) return nsc_split_shares(samples, count, labels, o->validation, o->test, o->seed, err);
  NSC_TRY(nsc_split_shares(samples, count, labels, 0, o->test, o->seed, err));
  for (uint32_t i = 0; i < count; i++) samples[i].split_given = samples[i].split == NSC_SPLIT_TEST;
  return nsc_split_fold(samples, count, labels, o->folds, o->fold - 1, o->seed, err);
}

/* Deals out anew what is not for testing. Taken out of the others, so that nothing that the data set apart from
   training, which may number its patients anew, is joined with it. */
static nsc_status split_again(nsc_cli_data *d, const nsc_cli_data_options *o, nsc_error *err) {
  nsc_sample *open = malloc(((size_t)d->count + 1) * sizeof *open);
  if (!open) return nsc_fail_memory(err, d->count * sizeof *open, "the split");
  uint32_t n = 0;
  for (uint32_t i = 0; i < d->count; i++) {
    if (d->samples[i].split == NSC_SPLIT_TEST) continue;
    open[n] = d->samples[i];
    open[n].split = NSC_SPLIT_TRAIN;
    open[n++].split_given = false;
  }
  nsc_status status = split_samples(open, n, d->label_count, o, err);
  n = 0;
  for (uint32_t i = 0; i < d->count && status == NSC_OK; i++) {
    if (d->samples[i].split != NSC_SPLIT_TEST) d->samples[i].split = open[n++].split;
  }
  free(open);
  return status;
}

static nsc_status split(nsc_cli_data *d, const nsc_cli_data_options *o, nsc_error *err) {
  given g = count_given(d);
  if (g.samples[NSC_SPLIT_TEST] && o->texts.test) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "--test: the data have %u pictures for testing already",
                    g.samples[NSC_SPLIT_TEST]);
  }
  bool again = o->folds || o->texts.validation || o->texts.test;
  bool lacks = g.open == 0 && g.samples[NSC_SPLIT_TRAIN] && !g.samples[NSC_SPLIT_VALIDATION];
  if (g.open < d->count && (again || lacks)) return split_again(d, o, err);
  return split_samples(d->samples, d->count, d->label_count, o, err);
}

/* ---- opening ---- */

nsc_status nsc_cli_data_open(const char *path, const nsc_cli_data_options *options, nsc_cli_data *out, nsc_error *err) {
  nsc_cli_data d = {0};
  nsc_status status = nsc_cli_data_list(path, options, &d, err);
  if (status == NSC_OK && d.count == 0) status = nsc_fail(err, NSC_ERROR_ARGUMENT, "%.100s: no pictures", path);
  if (status == NSC_OK) status = draw(&d, options->limit, options->seed, err);
  if (status == NSC_OK) status = split(&d, options, err);
  if (status != NSC_OK) {
    nsc_cli_data_drop(&d);
    return status;
  }
  *out = d;
  return NSC_OK;
}

void nsc_cli_data_drop(nsc_cli_data *data) {
  nsc_npz_drop(&data->npz);
  nsc_source_free(data->source);
  free(data->samples);
  free(data->origins);
  free(data->rows);
  nsc_arena_free(&data->arena);
  *data = (nsc_cli_data){0};
}

nsc_status nsc_cli_data_image(const nsc_cli_data *data, uint32_t sample, nsc_image **out, nsc_error *err) {
  const nsc_npz *z = &data->npz;
  if (!data->rows) return nsc_cli_open_image(data->samples[sample].name, out, err);
  return nsc_image_from_pixels(nsc_npz_pixels(z, data->origins[sample], data->rows[sample]), z->width, z->height,
                               z->channels, out, err);
}

void nsc_cli_data_splits(const nsc_cli_data *data, const bool *asked, bool any, bool *wanted) {
  bool has_test = false;
  for (uint32_t i = 0; i < data->count; i++) has_test = has_test || data->samples[i].split == NSC_SPLIT_TEST;
  for (int k = 0; k < NSC_SPLITS; k++) wanted[k] = asked[k] && (!any || !has_test || k == NSC_SPLIT_TEST);
}

const char *nsc_cli_split_words(const bool *wanted) {
  int count = 0, one = 0;
  for (int k = 0; k < NSC_SPLITS; k++) {
    if (wanted[k]) one = k, count++;
  }
  return count == 1 ? nsc_split_name((nsc_split)one) : "all pictures";
}

/* ---- loading ---- */

void nsc_cli_show_progress(nsc_cli_progress *p, uint32_t done, uint32_t total) {
  bool terminal = isatty(STDERR_FILENO);
  double now = nsc_now_ms(), wait = terminal ? TERMINAL_PROGRESS_MS : FILE_PROGRESS_MS;
  if (p->start == 0) p->start = now;
  bool last = done == total && p->shown > 0 && terminal;
  if (!last && (now - p->start < FIRST_PROGRESS_MS || now - p->shown < wait)) return;
  p->shown = now;
  fprintf(stderr, terminal ? "\r%u of %u pictures%s" : "%u of %u pictures%s", done, total,
          terminal && !last ? "" : "\n");
  fflush(stderr);
}

static void warn_copies(const nsc_dataset *d) {
  nsc_duplicates found;
  nsc_error err = {0};
  if (nsc_duplicates_find(d, &found, &err) != NSC_OK) {
    fprintf(stderr, "warning: not looked for copies: %s\n", err.text);
    return;
  }
  if (found.count) {
    fprintf(stderr,
            "warning: %u pictures are copies of others (%u to the byte); within training %u, validation %u, "
            "test %u; %u pictures stand in more than one split; %u copies have another label\n",
            found.count, found.exact, found.within[NSC_SPLIT_TRAIN], found.within[NSC_SPLIT_VALIDATION],
            found.within[NSC_SPLIT_TEST], found.across, found.relabelled);
  }
  /* Wrong labels first: they are mistakes whatever the split. */
  uint32_t shown = 0;
  for (uint32_t i = 0; i < 2 * found.count && shown < SHOWN_COPIES; i++) {
    const nsc_duplicate *c = &found.list[i % found.count];
    bool named = i < found.count ? c->relabelled : c->crosses && !c->relabelled;
    if (!named) continue;
    const nsc_sample *a = &d->samples[c->first], *b = &d->samples[c->sample];
    fprintf(stderr, "  %s (%s, %s) and %s (%s, %s)\n", a->name, d->labels[a->label], nsc_split_name(a->split), b->name,
            d->labels[b->label], nsc_split_name(b->split));
    shown++;
  }
  nsc_duplicates_drop(&found);
}

/* What the table does not know of the patient the file may. */
static nsc_status load_outcome(const nsc_cli_outcomes *o, const nsc_image *image, const nsc_outcome *known,
                               nsc_dataset *out, nsc_error *err) {
  nsc_outcome outcome = *known;
  for (uint32_t i = 0; i < o->field_count; i++) {
    if (isnan(outcome.fields[i])) outcome.fields[i] = nsc_field_of_file(o->fields[i], image);
  }
  return nsc_dataset_set_outcome(out, &outcome, err);
}

/* One picture into the set; its own failing is no failing of the whole. */
static nsc_status load_one(const nsc_cli_data *data, uint32_t i, const nsc_recipe *recipe, nsc_dataset *out,
                           nsc_error *why) {
  const nsc_sample *s = &data->samples[i];
  nsc_image *image;
  NSC_TRY(nsc_cli_data_image(data, i, &image, why));
  nsc_status status = nsc_collect_image(out, image, 0, recipe, s->name, s->patient, s->label, why);
  if (status == NSC_OK && data->outcomes) status = load_outcome(data->outcomes, image, s->outcome, out, why);
  nsc_image_free(image);
  if (status != NSC_OK) return status;
  out->samples[out->count - 1].split = s->split;
  out->samples[out->count - 1].split_given = s->split_given;
  return NSC_OK;
}

static nsc_status load_all(const nsc_cli_data *data, const nsc_recipe *recipe, nsc_dataset *out, nsc_error *err) {
  nsc_cli_progress progress = {0};
  uint32_t refused = 0;
  NSC_TRY(nsc_dataset_reserve(out, data->count, err));
  for (uint32_t i = 0; i < data->count; i++) {
    nsc_error why = {0};
    if (load_one(data, i, recipe, out, &why) == NSC_ERROR_MEMORY) return nsc_fail(err, why.status, "%s", why.text);
    if (why.status != NSC_OK && refused++ < SHOWN_REFUSED) {
      fprintf(stderr, "refused: %s: %s\n", data->samples[i].name, why.text);
    }
    nsc_cli_show_progress(&progress, i + 1, data->count);
  }
  if (refused) fprintf(stderr, "%u of %u files were refused\n", refused, data->count);
  return out->count ? NSC_OK : nsc_fail(err, NSC_ERROR_ARGUMENT, "none of %u pictures could be read", data->count);
}

nsc_status nsc_cli_data_load(const nsc_cli_data *data, const nsc_recipe *recipe, nsc_dataset *out, nsc_error *err) {
  if (data->label_count < 2) {
    return nsc_fail(err, NSC_ERROR_ARGUMENT, "there are not two labels, in a folder one subfolder each; only \"%.60s\"",
                    data->label_count ? data->labels[0] : "");
  }
  NSC_TRY(nsc_dataset_init(out, recipe->height, recipe->width, recipe->channels, data->label_count,
                           (const char *const *)data->labels, err));
  nsc_status status = load_all(data, recipe, out, err);
  if (status != NSC_OK) {
    nsc_dataset_drop(out);
    return status;
  }
  warn_copies(out);
  return NSC_OK;
}

uint32_t nsc_cli_data_count(const nsc_cli_data *data, const bool wanted[NSC_SPLITS]) {
  uint32_t count = 0;
  for (uint32_t i = 0; i < data->count; i++) count += wanted[data->samples[i].split];
  return count;
}

nsc_status nsc_cli_data_each(const nsc_cli_data *data, const bool wanted[NSC_SPLITS], nsc_cli_data_use use,
                             void *context, uint32_t *refused, nsc_error *err) {
  nsc_cli_progress progress = {0};
  uint32_t total = nsc_cli_data_count(data, wanted), done = 0;
  *refused = 0;
  if (total == 0) return nsc_fail(err, NSC_ERROR_ARGUMENT, "the data have no pictures in that split");
  for (uint32_t i = 0; i < data->count; i++) {
    if (!wanted[data->samples[i].split]) continue;
    nsc_error why = {0};
    nsc_status status = use(context, i, &why);
    if (status == NSC_ERROR_RECIPE || status == NSC_ERROR_MEMORY) return nsc_fail(err, status, "%s", why.text);
    if (status != NSC_OK) fprintf(stderr, "refused: %s: %s\n", data->samples[i].name, why.text);
    *refused += status != NSC_OK;
    nsc_cli_show_progress(&progress, ++done, total);
  }
  if (*refused) fprintf(stderr, "%u of %u pictures were refused\n", *refused, total);
  return *refused < total ? NSC_OK : nsc_fail(err, NSC_ERROR_ARGUMENT, "none of %u pictures could be read", total);
}

void nsc_cli_print_autoencoder(const nsc_autoencoder_progress *at) {
  enum { LINES = 20 };
  uint32_t every = (at->epochs + LINES - 1) / LINES;
  if (at->epoch % every && at->epoch != at->epochs) return;
  printf("autoencoder %3u/%-3u  squared error %.5f, of validation %.5f\n", at->epoch, at->epochs, at->loss,
         at->validation_loss);
  fflush(stdout);
}
