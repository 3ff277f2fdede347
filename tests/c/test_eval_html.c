/* The report's page: what it says, and that no text of a file can become markup. */
#include "eval/eval.h"
#include "test.h"

static char *page(nsc_task task, const char *const *names, uint32_t labels, const float *scores, const int32_t *truth,
                  size_t count, const nsc_eval_facts *facts) {
  const nsc_eval_data data = {
      .task = task, .count = count, .labels = labels, .scores = scores, .truth = truth, .names = names};
  nsc_eval_report *report = NULL;
  nsc_error err = {0};
  char *html = NULL;
  if (nsc_eval_run(&data, NULL, &report, &err) != NSC_OK || nsc_eval_html(report, facts, &html, &err) != NSC_OK) {
    test_failed(__FILE__, __LINE__, "%s", err.text);
  }
  nsc_eval_report_free(report);
  return html;
}

static const float four_scores[8] = {0.9f, 0.1f, 0.3f, 0.7f, 0.2f, 0.8f, 0.6f, 0.4f};
static const int32_t four_truths[4] = {0, 1, 1, 1};

TEST(html_escapes_every_text) {
  static const char *const names[2] = {"<script>alert(1)</script>", "a&b\"c'd\xFF\x01"};
  const nsc_eval_facts facts = {.title = "</title><script>",
                                .model = "<img src=x onerror=alert(1)>",
                                .data = "\"/><b>",
                                .split = "<i>",
                                .date = "&",
                                .limits = "<style>*{display:none}</style>"};
  char *html = page(NSC_TASK_BINARY, names, 2, four_scores, four_truths, 4, &facts);
  REQUIRE(html != NULL);
  CHECK(!strstr(html, "<script"));
  CHECK(!strstr(html, "<img"));
  CHECK(!strstr(html, "<b>\n"));
  CHECK(!strstr(html, "<style>*"));
  CHECK_HAS(html, "&lt;/title&gt;&lt;script&gt;");
  CHECK_HAS(html, "a&amp;b&quot;c&#39;d\xEF\xBF\xBD ");
  CHECK_HAS(html, "&quot;/&gt;&lt;b&gt;");
  nsc_text_free(html);
}

/* Three of four are right; three positives, of which two are called. */
TEST(html_has_the_figures) {
  static const char *const names[2] = {"no", "yes"};
  const nsc_eval_facts facts = {.title = "Films", .refused = 3};
  char *html = page(NSC_TASK_BINARY, names, 2, four_scores, four_truths, 4, &facts);
  REQUIRE(html != NULL);
  CHECK_HAS(html, "<title>Films</title>");
  CHECK_HAS(html, "4 of 2 labels; 3 more could not be read");
  CHECK_HAS(html, "<span>Accuracy</span><b>0.750</b>");
  CHECK_HAS(html, "<span>Sensitivity</span><b>0.667</b>");
  CHECK_HAS(html, "<span>Specificity</span><b>1.000</b>");
  CHECK_HAS(html, "yes · AUC 1.000");
  CHECK_HAS(html, "For research and teaching. Not for diagnosis.");
  CHECK_HAS(html, "</html>");
  CHECK(!strstr(html, "http"));
  CHECK(!strstr(html, "nan"));
  CHECK(!strstr(html, "inf"));
  nsc_text_free(html);
}

/* Nothing to draw, one case, classes that do not occur: a page all the same. */
TEST(html_of_hardly_anything) {
  static const float scores[3] = {0.2f, 0.5f, 0.3f};
  static const int32_t truth[1] = {1};
  for (size_t count = 0; count < 2; count++) {
    char *html = page(NSC_TASK_SINGLE, NULL, 3, scores, truth, count, NULL);
    REQUIRE(html != NULL);
    CHECK_HAS(html, "<title>Evaluation</title>");
    CHECK(!strstr(html, "nan"));
    nsc_text_free(html);
    html = page(NSC_TASK_BINARY, NULL, 2, four_scores, four_truths + 1, count, NULL);
    REQUIRE(html != NULL);
    CHECK(!strstr(html, "nan"));
    nsc_text_free(html);
  }
}
