#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

static const nsc_cli_option *find(const char *word, size_t length, const nsc_cli_option *options, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (strlen(options[i].name) == length && memcmp(options[i].name, word, length) == 0) return &options[i];
  }
  return NULL;
}

int nsc_cli_options(int argc, char **argv, const nsc_cli_option *options, size_t count) {
  int kept = 1;
  for (int i = 1; i < argc; i++) {
    char *word = argv[i];
    if (strcmp(word, "--") == 0) {
      while (++i < argc) argv[kept++] = argv[i];
      break;
    }
    if (word[0] != '-' || word[1] == 0) {
      argv[kept++] = word;
      continue;
    }
    const char *equals = strchr(word, '=');
    const nsc_cli_option *option = find(word, equals ? (size_t)(equals - word) : strlen(word), options, count);
    if (!option || (option->flag && equals)) {
      fprintf(stderr, "negatoscope %s: unknown option %s\n", argv[0], word);
      return -1;
    }
    if (option->flag) {
      *option->flag = true;
    } else if (equals) {
      *option->value = equals + 1;
    } else if (i + 1 < argc) {
      *option->value = argv[++i];
    } else {
      fprintf(stderr, "negatoscope %s: %s needs a value\n", argv[0], word);
      return -1;
    }
  }
  return kept;
}

long nsc_cli_number(const char *name, const char *text, long least, long otherwise) {
  if (!text) return otherwise;
  char *end;
  long number = strtol(text, &end, 10);
  if (end == text || *end || number < least || number > 1000000000) {
    fprintf(stderr, "negatoscope: %s wants a whole number of at least %ld, not \"%s\"\n", name, least, text);
    return -1;
  }
  return number;
}

bool nsc_cli_real(const char *verb, const char *name, const char *text, double least, double most, double otherwise,
                  double *out) {
  char *end = NULL;
  *out = text ? strtod(text, &end) : otherwise;
  if (text && (end == text || *end || !(*out >= least && *out <= most))) {
    fprintf(stderr, "negatoscope %s: %s wants a number from %g to %g, not \"%s\"\n", verb, name, least, most, text);
    return false;
  }
  return true;
}

uint32_t nsc_cli_processors(void) {
  long n = sysconf(_SC_NPROCESSORS_ONLN);
  return n > 0 && n < 1024 ? (uint32_t)n : 1;
}
