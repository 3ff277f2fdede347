/* negatoscope evaluate with a model for times to an event. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "cli/judge.h"
#include "cli/survival.h"
#include "eval/survival.h"
#include "pipeline/survival.h"

typedef struct judged {
  const nsc_cli_survival_job *job;
  nsc_cli_outcomes outcomes;
  nsc_prognosis *prognosis;
  const nsc_survival_spec *spec;
  nsc_cli_data data;
  bool wanted[NSC_SPLITS];
  uint32_t count, refused;
  uint32_t *samples; /* [count] */
  double *times, *means, *medians;
  uint8_t *events;
  float *survival;    /* [count][bins] */
  uint32_t *stood_in; /* [fields] cases in which the training mean stands for the field */
} judged;

static nsc_status make_room(judged *j, uint32_t count, nsc_error *err) {
  size_t room = count + (size_t)1;
  j->samples = malloc(room * sizeof *j->samples);
  j->times = malloc(room * sizeof *j->times);
  j->means = malloc(room * sizeof *j->means);
  j->medians = malloc(room * sizeof *j->medians);
  j->events = malloc(room);
  j->survival = malloc(room * j->spec->bins * sizeof *j->survival);
  j->stood_in = calloc(j->spec->field_count + (size_t)1, sizeof *j->stood_in);
  bool ok = j->samples && j->times && j->means && j->medians && j->events && j->survival && j->stood_in;
  return ok ? NSC_OK : nsc_fail_memory(err, room * j->spec->bins * sizeof *j->survival, "curves");
}

static nsc_status judge_one(void *context, uint32_t sample, nsc_error *err) {
  judged *j = context;
  const nsc_outcome *known = j->data.samples[sample].outcome;
  uint32_t n = j->count, bins = j->spec->bins;
  nsc_image *image;
  nsc_prognosis_result r;
  NSC_TRY(nsc_cli_data_image(&j->data, sample, &image, err));
  nsc_status status = nsc_prognosis_run(j->prognosis, image, 0, known->fields, NULL, &r, err);
  nsc_image_free(image);
  NSC_TRY(status);
  for (uint32_t i = 0; i < r.field_count; i++) j->stood_in[i] += r.sources[i] == NSC_FIELD_MEAN;
  memcpy(j->survival + (size_t)n * bins, r.survival, bins * sizeof *r.survival);
  j->samples[n] = sample;
  j->times[n] = known->time;
  j->events[n] = known->event;
  j->means[n] = r.mean;
  j->medians[n] = r.median;
  j->count++;
  return NSC_OK;
}

static nsc_status judge_all(judged *j, nsc_error *err) {
  nsc_cli_data_splits(&j->data, j->job->asked, j->job->any_split, j->wanted);
  NSC_TRY(make_room(j, nsc_cli_data_count(&j->data, j->wanted), err));
  NSC_TRY(nsc_cli_data_each(&j->data, j->wanted, judge_one, j, &j->refused, err));
  for (uint32_t i = 0; i < j->spec->field_count; i++) {
    if (!j->stood_in[i]) continue;
    fprintf(stderr, "%u of %u cases have no \"%s\": the mean of the training cases stands in, %.4g\n", j->stood_in[i],
            j->count, j->spec->fields[i].name, j->spec->fields[i].mean);
  }
  return NSC_OK;
}

/* ---- what is written ---- */

static nsc_status write_predictions(const judged *j, nsc_error *err) {
  nsc_text t = {0};
  char *text;
  uint32_t bins = j->spec->bins;
  nsc_text_put(&t, "file,time,event,mean,median");
  for (uint32_t k = 1; k <= bins; k++) nsc_text_printf(&t, ",S(%.9g)", j->spec->edges[k]);
  for (uint32_t i = 0; i < j->count; i++) {
    nsc_text_put(&t, "\r\n");
    nsc_csv_field(&t, j->data.samples[j->samples[i]].name);
    nsc_text_printf(&t, ",%.9g,%u,%.9g,", j->times[i], j->events[i], j->means[i]);
    if (j->medians[i] == j->medians[i]) nsc_text_printf(&t, "%.9g", j->medians[i]); /* else it is not reached */
    for (uint32_t k = 0; k < bins; k++) nsc_text_printf(&t, ",%.9g", (double)j->survival[(size_t)i * bins + k]);
  }
  nsc_text_put(&t, "\r\n");
  NSC_TRY(nsc_text_finish(&t, &text, err));
  return nsc_cli_write_text(j->job->predictions, text, err);
}

static nsc_status write_html(const judged *j, const nsc_eval_survival_report *report, nsc_error *err) {
  const nsc_cli_survival_job *job = j->job;
  char date[NSC_CLI_DATE], *text;
  const nsc_eval_facts facts =
      nsc_cli_eval_facts(job->model, job->model_name, job->path, j->wanted, job->title, j->refused, date);
  NSC_TRY(nsc_eval_survival_html(report, &facts, &text, err));
  return nsc_cli_write_text(job->html, text, err);
}

static nsc_status write_report(const judged *j, const nsc_eval_survival_report *report, nsc_error *err) {
  char *text;
  NSC_TRY(nsc_eval_survival_text(report, &text, err));
  fputs(text, stdout);
  nsc_text_free(text);
  if (j->job->json) {
    NSC_TRY(nsc_eval_survival_json(report, &text, err));
    NSC_TRY(nsc_cli_write_text(j->job->json, text, err));
  }
  if (j->job->csv) {
    NSC_TRY(nsc_eval_survival_csv(report, &text, err));
    NSC_TRY(nsc_cli_write_text(j->job->csv, text, err));
  }
  return j->job->html ? write_html(j, report, err) : NSC_OK;
}

static nsc_status report(const judged *j, nsc_error *err) {
  const nsc_eval_survival_data data = {.count = j->count,
                                       .times = j->times,
                                       .events = j->events,
                                       .bins = j->spec->bins,
                                       .edges = j->spec->edges,
                                       .survival = j->survival,
                                       .unit = j->spec->unit};
  nsc_eval_survival_report *made;
  NSC_TRY(nsc_eval_survival_run(&data, &j->job->eval, &made, err));
  nsc_status status = write_report(j, made, err);
  nsc_eval_survival_free(made);
  return status;
}

/* ---- the whole ---- */

static nsc_status run(judged *j, nsc_error *err) {
  nsc_cli_data_options options = j->job->data;
  NSC_TRY(nsc_prognosis_create(j->job->model, &j->job->classifier, &j->prognosis, err));
  j->spec = nsc_prognosis_spec(j->prognosis);
  j->outcomes = (nsc_cli_outcomes){.time = j->job->time, .event = j->job->event, .field_count = j->spec->field_count};
  for (uint32_t i = 0; i < j->spec->field_count; i++) j->outcomes.fields[i] = j->spec->fields[i].name;
  options.outcomes = &j->outcomes;
  NSC_TRY(nsc_cli_data_open(j->job->path, &options, &j->data, err));
  NSC_TRY(judge_all(j, err));
  if (j->job->predictions) NSC_TRY(write_predictions(j, err));
  return report(j, err);
}

nsc_status nsc_cli_evaluate_survival(const nsc_cli_survival_job *job, uint32_t *refused, nsc_error *err) {
  judged j = {.job = job};
  nsc_status status = run(&j, err);
  *refused = j.refused;
  free(j.samples);
  free(j.times);
  free(j.means);
  free(j.medians);
  free(j.events);
  free(j.survival);
  free(j.stood_in);
  nsc_cli_data_drop(&j.data);
  nsc_prognosis_free(j.prognosis);
  return status;
}
