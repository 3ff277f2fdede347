# pthreadpool's threads spin a million times before they sleep, tens of milliseconds: where another program wants the
# processor too, they take it from the very thread that they wait for, and two threads train several times slower than one.
# This makes nsc_source_pthreadpool a copy that sleeps after a few tenths of a millisecond: shorter, and networks of many small layers
# lose a tenth to waking; longer, and a busy machine loses more.
set(nsc_short_spin ${CMAKE_BINARY_DIR}/pthreadpool-short-spin)
file(COPY ${nsc_source_pthreadpool}/ DESTINATION ${nsc_short_spin} PATTERN threadpool-common.h EXCLUDE)
# x86's pause takes 40 to 140 cycles, a fence in wasm about 30.
if(EMSCRIPTEN)
  set(nsc_spins 40000)
else()
  set(nsc_spins 4000)
endif()
file(READ ${nsc_source_pthreadpool}/src/threadpool-common.h nsc_spin_text)
string(REPLACE "PTHREADPOOL_SPIN_WAIT_ITERATIONS 1000000" "PTHREADPOOL_SPIN_WAIT_ITERATIONS ${nsc_spins}" nsc_spin_changed
               "${nsc_spin_text}")
if(nsc_spin_changed STREQUAL nsc_spin_text)
  message(FATAL_ERROR "pthreadpool says its spins otherwise than expected")
endif()
file(CONFIGURE OUTPUT ${nsc_short_spin}/src/threadpool-common.h CONTENT "${nsc_spin_changed}" @ONLY)
set(nsc_source_pthreadpool ${nsc_short_spin})
