/* Milliseconds from an arbitrary start, never going back. */
#ifndef NSC_BASE_CLOCK_H
#define NSC_BASE_CLOCK_H

double nsc_now_ms(void);

#endif
