# XNNPACK and pthreadpool for WebAssembly: XNNPACK's CMake does not know wasm, its source lists do.
# nsc_add_xnnpack(variant) makes the target xnnpack-<variant>.
#
# Micro-kernels are compiled once and linked into every variant: with -matomics -mbulk-memory so that they may stand in a
# module with shared memory; they contain no atomic instruction, so the single-threaded modules stay free of them.

set(xnn ${nsc_source_xnnpack})
foreach(list scalar wasm wasmsimd wasmrelaxedsimd)
  include(${xnn}/cmake/gen/${list}_microkernels.cmake)
endforeach()

function(xnn_prefix out)
  set(files)
  foreach(file IN LISTS ARGN)
    list(APPEND files ${xnn}/${file})
  endforeach()
  set(${out} ${files} PARENT_SCOPE)
endfunction()

set(xnn_definitions XNN_ENABLE_CPUINFO=0 XNN_LOG_LEVEL=0 XNN_ENABLE_MEMOPT=1 XNN_ENABLE_SPARSE=1
    XNN_ENABLE_GEMM_M_SPECIALIZATION=1 XNN_ENABLE_DWCONV_MULTIPASS=0 XNN_ENABLE_ASSEMBLY=0 XNN_ENABLE_JIT=0
    XNN_ENABLE_KLEIDIAI=0 XNN_ENABLE_HVX=0 XNN_ENABLE_ARM_FP16_SCALAR=0 XNN_ENABLE_ARM_FP16_VECTOR=0
    XNN_ENABLE_ARM_BF16=0 XNN_ENABLE_ARM_DOTPROD=0 XNN_ENABLE_ARM_I8MM=0 XNN_ENABLE_ARM_SME=0 XNN_ENABLE_ARM_SME2=0
    XNN_ENABLE_RISCV_VECTOR=0 XNN_ENABLE_VSX=0)

# Some wasm kernels include <arm_neon.h> for its names only; Emscripten's copy of it is not always complete.
file(WRITE ${CMAKE_BINARY_DIR}/xnnpack-gen/arm_neon.h "#include <wasm_simd128.h>\n")
# XNNPACK uses this to tell whether a weights cache was made by the same build; ours never outlives one.
file(WRITE ${CMAKE_BINARY_DIR}/xnnpack-gen/build_identifier.c
"#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>
static const uint8_t xnn_build_identifier[32] = {'4', 'e', 'a', '8', '2', 'e', '5'};
size_t xnn_experimental_get_build_identifier_size(void) { return sizeof xnn_build_identifier; }
const void *xnn_experimental_get_build_identifier_data(void) { return xnn_build_identifier; }
bool xnn_experimental_check_build_identifier(const void *data, size_t size) {
  return size == sizeof xnn_build_identifier && !memcmp(data, xnn_build_identifier, size);
}
")

# The lists of XNNPACK's CMakeLists.txt, by name: OPERATOR_SRCS and the rest.
file(READ ${xnn}/CMakeLists.txt xnn_cmake)
foreach(list OPERATOR_SRCS SUBGRAPH_SRCS LOGGING_SRCS XNNPACK_SRCS TABLE_SRCS)
  string(REGEX MATCH "SET\\(${list}[ \n]([^)]*)\\)" found "${xnn_cmake}")
  string(REGEX MATCHALL "src/[^ \n\")]+" ${list} "${CMAKE_MATCH_1}")
  if(NOT ${list})
    message(FATAL_ERROR "${list} not found in XNNPACK's CMakeLists.txt")
  endif()
endforeach()

# Reference kernels stand in where there is no micro-kernel. The core asks for float32, binary operators in int8, too, and for no conversions: without the other types the
# module is a tenth smaller. An operator of another type would not be created, which fails when a model is loaded.
function(xnn_trimmed_reference out kind)
  file(READ ${xnn}/src/reference/${kind}-elementwise.cc text)
  foreach(type IN LISTS ARGN)
    set(before "${text}")
    string(REGEX REPLACE "case xnn_datatype_${type}:[ ]*\\\\\n[^\n]*\n" "" text "${text}")
    if(text STREQUAL before)
      message(FATAL_ERROR "no cases of ${type} in XNNPACK's ${kind}-elementwise.cc")
    endif()
  endforeach()
  string(REPLACE "return get_convert_config(input_datatype, output_datatype);" "return nullptr;" text "${text}")
  set(file ${CMAKE_BINARY_DIR}/xnnpack-gen/${kind}-elementwise.cc)
  file(CONFIGURE OUTPUT ${file} CONTENT "${text}" @ONLY)
  set(${out} ${${out}} ${file} PARENT_SCOPE)
endfunction()

set(xnn_reference)
xnn_trimmed_reference(xnn_reference unary fp16 bf16 qint8 quint8 int32)
xnn_trimmed_reference(xnn_reference binary fp16 bf16 quint8 int32)

function(xnn_settings target)
  target_include_directories(${target} SYSTEM PRIVATE ${CMAKE_BINARY_DIR}/xnnpack-gen ${xnn}/src ${xnn}
                             ${nsc_source_fxdiv}/include)
  target_include_directories(${target} SYSTEM PUBLIC ${xnn}/include ${nsc_source_pthreadpool}/include)
  target_compile_definitions(${target} PRIVATE ${xnn_definitions})
  target_compile_options(${target} PRIVATE -w -ffunction-sections -fdata-sections -fno-math-errno ${ARGN})
endfunction()

xnn_prefix(files ${PROD_SCALAR_MICROKERNEL_SRCS} ${PROD_WASM_MICROKERNEL_SRCS} ${PROD_WASMSIMD_MICROKERNEL_SRCS}
           ${TABLE_SRCS})
add_library(xnn-kernels STATIC ${files})
xnn_settings(xnn-kernels -O3 -msimd128 -matomics -mbulk-memory)
# Kernels of XNNPACK that its own choice leaves out; src/nn/rows.c may take them.
set(xnn_six_rows)
foreach(kind gemm igemm)
  foreach(bounds "" -minmax -relu)
    list(APPEND xnn_six_rows src/f32-${kind}/gen/f32-${kind}-6x8${bounds}-wasmrelaxedsimd-fma-loadsplat.c)
  endforeach()
endforeach()
xnn_prefix(files ${PROD_WASMRELAXEDSIMD_MICROKERNEL_SRCS} ${xnn_six_rows})
add_library(xnn-kernels-relaxed STATIC ${files})
xnn_settings(xnn-kernels-relaxed -O3 -msimd128 -mrelaxed-simd -matomics -mbulk-memory)

function(nsc_add_xnnpack variant)
  nsc_variant_flags(${variant} flags)
  set(target xnnpack-${variant})
  xnn_prefix(files ${OPERATOR_SRCS} ${LOGGING_SRCS} ${XNNPACK_SRCS} src/microkernel-utils.c
             src/allocator.c src/cache.c src/indirection.c src/memory.c src/mutex.c src/normalization.c
             src/operator-utils.c src/operator-run.c src/microparams-init.c src/datatype.c
             src/configs/hardware-config.c src/reference/packing.cc)
  if(variant MATCHES threads)
    set(pool legacy-api memory portable-api pthreads fastpath)
  else()
    set(pool shim legacy-api)
  endif()
  foreach(file IN LISTS pool)
    list(APPEND files ${nsc_source_pthreadpool}/src/${file}.c)
  endforeach()
  add_library(${target} STATIC ${files} ${xnn_reference} ${CMAKE_BINARY_DIR}/xnnpack-gen/build_identifier.c)
  set_target_properties(${target} PROPERTIES C_EXTENSIONS ON)
  xnn_settings(${target} ${flags})
  target_include_directories(${target} SYSTEM PRIVATE ${nsc_source_pthreadpool}/src)
  # src/nn/rows.c looks at the configuration inside.
  target_include_directories(${target} SYSTEM PUBLIC ${xnn}/src)
  target_link_libraries(${target} PUBLIC xnn-kernels)
  if(variant MATCHES relaxed)
    target_link_libraries(${target} PUBLIC xnn-kernels-relaxed)
  endif()
endfunction()
