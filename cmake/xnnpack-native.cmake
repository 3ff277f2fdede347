# XNNPACK natively, by its own CMake: target `xnnpack`. Never built with sanitizers: its kernels read past the ends of rows
# on purpose (XNN_EXTRA_BYTES).
set(CPUINFO_SOURCE_DIR ${nsc_source_cpuinfo})
set(PTHREADPOOL_SOURCE_DIR ${nsc_source_pthreadpool})
set(FXDIV_SOURCE_DIR ${nsc_source_fxdiv})
set(XNNPACK_BUILD_TESTS OFF CACHE BOOL "" FORCE)
set(XNNPACK_BUILD_BENCHMARKS OFF CACHE BOOL "" FORCE)
set(XNNPACK_BUILD_ALL_MICROKERNELS OFF CACHE BOOL "" FORCE)
set(XNNPACK_LIBRARY_TYPE static CACHE STRING "" FORCE)
set(PTHREADPOOL_LIBRARY_TYPE static CACHE STRING "" FORCE)
set(PTHREADPOOL_BUILD_TESTS OFF CACHE BOOL "" FORCE)
set(PTHREADPOOL_BUILD_BENCHMARKS OFF CACHE BOOL "" FORCE)
add_subdirectory(${nsc_source_xnnpack} ${CMAKE_BINARY_DIR}/xnnpack EXCLUDE_FROM_ALL)
add_library(xnnpack INTERFACE)
target_link_libraries(xnnpack INTERFACE XNNPACK pthreadpool)
# Its micro-kernels and their choice are in headers that it does not install.
target_include_directories(xnnpack SYSTEM INTERFACE ${nsc_source_xnnpack}/src)
if(NSC_SANITIZE MATCHES thread)
  # Else ThreadSanitizer would not see that the pool's barriers order our accesses.
  target_compile_options(pthreadpool PRIVATE -fsanitize=thread)
endif()
