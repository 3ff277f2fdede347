# The libraries behind src/codec and the target nsc_codec: OpenJPEG, CharLS and libjpeg-turbo, decoders only (the tests
# also link encoders). Their own CMake is not used: it probes the machine, and Emscripten's answers are known.
#
# For wasm they are compiled once, with -matomics -mbulk-memory so that the C tests of every variant can link them; they
# hold no atomic instruction. SSE intrinsics are mapped to wasm SIMD by Emscripten: OpenJPEG's wavelets gain 10 % by it.

set(nsc_codec_flags)
if(EMSCRIPTEN)
  set(nsc_codec_flags -O3 -msimd128 -matomics -mbulk-memory -fwasm-exceptions -sSUPPORT_LONGJMP=wasm)
endif()
if(NSC_SANITIZE MATCHES address) # they read what strangers wrote; undefined behaviour of theirs is not ours to end
  list(APPEND nsc_codec_flags -fsanitize=address -fno-omit-frame-pointer -g)
endif()

function(nsc_codec_library target)
  target_compile_definitions(${target} PRIVATE NDEBUG) # CharLS and OpenJPEG assert in inner loops
  target_compile_options(${target} PRIVATE ${nsc_codec_flags} -w -ffunction-sections -fdata-sections)
endfunction()

# ---- OpenJPEG

set(nsc_opj ${nsc_source_openjpeg}/src/lib/openjp2)
set(nsc_opj_config ${CMAKE_BINARY_DIR}/codecs/openjpeg)
file(WRITE ${nsc_opj_config}/opj_config.h
"#define OPJ_VERSION_MAJOR 2
#define OPJ_VERSION_MINOR 5
#define OPJ_VERSION_BUILD 4
")
file(WRITE ${nsc_opj_config}/opj_config_private.h
"#define OPJ_PACKAGE_VERSION \"2.5.4\"
#define OPJ_HAVE_MALLOC_H
#define OPJ_HAVE_POSIX_MEMALIGN
#if !defined(_POSIX_C_SOURCE)
#define _POSIX_C_SOURCE 200112L
#endif
")
set(nsc_opj_files)
foreach(file thread bio cio dwt event ht_dec image invert j2k jp2 mct mqc openjpeg opj_clock pi t1 t2 tcd tgt
             function_list opj_malloc sparse_array)
  list(APPEND nsc_opj_files ${nsc_opj}/${file}.c)
endforeach()
add_library(openjp2 STATIC ${nsc_opj_files})
nsc_codec_library(openjp2)
target_include_directories(openjp2 SYSTEM PUBLIC ${nsc_opj} ${nsc_opj_config})
target_compile_definitions(openjp2 PUBLIC OPJ_STATIC PRIVATE MUTEX_stub=1)
if(EMSCRIPTEN)
  target_compile_options(openjp2 PRIVATE -msse4.1)
endif()

# ---- CharLS

set(nsc_charls_files)
foreach(file charls_jpegls_decoder charls_jpegls_encoder jpeg_stream_reader jpeg_stream_writer jpegls jpegls_error
             validate_spiff_header version)
  list(APPEND nsc_charls_files ${nsc_source_charls}/src/${file}.cpp)
endforeach()
add_library(charls STATIC ${nsc_charls_files})
nsc_codec_library(charls)
set_target_properties(charls PROPERTIES CXX_STANDARD 17)
target_include_directories(charls SYSTEM PUBLIC ${nsc_source_charls}/include)
target_compile_definitions(charls PUBLIC CHARLS_STATIC PRIVATE CHARLS_LIBRARY_BUILD)

# ---- libjpeg-turbo: each file of the second and third list once for 8, once for 12, and some once for 16 bits

set(nsc_jpeg ${nsc_source_libjpeg-turbo}/src)
set(nsc_jpeg_config ${CMAKE_BINARY_DIR}/codecs/libjpeg-turbo)
file(WRITE ${nsc_jpeg_config}/jconfig.h
"#define JPEG_LIB_VERSION 62
#define LIBJPEG_TURBO_VERSION 3.1.3
#define LIBJPEG_TURBO_VERSION_NUMBER 3001003
#define C_ARITH_CODING_SUPPORTED 1
#define D_ARITH_CODING_SUPPORTED 1
#define MEM_SRCDST_SUPPORTED 1
#ifndef BITS_IN_JSAMPLE
#define BITS_IN_JSAMPLE 8
#endif
")
file(WRITE ${nsc_jpeg_config}/jconfigint.h
"#define BUILD \"\"
#define HIDDEN __attribute__((visibility(\"hidden\")))
#define INLINE __inline__ __attribute__((always_inline))
#define THREAD_LOCAL __thread
#define PACKAGE_NAME \"libjpeg-turbo\"
#define VERSION \"3.1.3\"
#define SIZEOF_SIZE_T ${CMAKE_SIZEOF_VOID_P}
#define HAVE_BUILTIN_CTZL
#define FALLTHROUGH __attribute__((fallthrough));
#ifndef BITS_IN_JSAMPLE
#define BITS_IN_JSAMPLE 8
#endif
#undef C_ARITH_CODING_SUPPORTED
#undef D_ARITH_CODING_SUPPORTED
#undef WITH_SIMD
#if BITS_IN_JSAMPLE == 8
#define C_ARITH_CODING_SUPPORTED 1
#define D_ARITH_CODING_SUPPORTED 1
#endif
")
configure_file(${nsc_jpeg}/jversion.h.in ${nsc_jpeg_config}/jversion.h)

# nsc_add_jpeg(target, files, files of 8/12/16 bits, files of 8/12 bits)
function(nsc_add_jpeg target plain all_depths dct_depths)
  set(files)
  foreach(file IN LISTS plain)
    list(APPEND files ${nsc_jpeg}/${file}.c)
  endforeach()
  foreach(depth 8 12 16)
    foreach(file IN LISTS all_depths)
      list(APPEND files ${nsc_jpeg}/wrapper/${file}-${depth}.c)
    endforeach()
  endforeach()
  foreach(depth 8 12)
    foreach(file IN LISTS dct_depths)
      list(APPEND files ${nsc_jpeg}/wrapper/${file}-${depth}.c)
    endforeach()
  endforeach()
  add_library(${target} STATIC ${files})
  nsc_codec_library(${target})
  set_target_properties(${target} PROPERTIES C_EXTENSIONS ON) # setenv
  target_include_directories(${target} SYSTEM PUBLIC ${nsc_jpeg_config} ${nsc_jpeg})
endfunction()

nsc_add_jpeg(jpeg
  "jaricom;jcomapi;jdapimin;jdarith;jdatasrc;jdhuff;jdinput;jdlhuff;jdmarker;jdmaster;jdphuff;jerror;jmemmgr;jmemnobs;jpeg_nbits"
  "jdapistd;jdcolor;jddiffct;jdlossls;jdmainct;jdpostct;jdsample;jutils"
  "jdcoefct;jddctmgr;jdmerge;jidctflt;jidctfst;jidctint;jidctred;jquant1;jquant2")
if(EMSCRIPTEN) # wasm32 has 64-bit registers: the branch for x32, with a bit buffer of 64 and addresses of 32 bits
  set_source_files_properties(${nsc_jpeg}/jdhuff.c ${nsc_jpeg}/jdphuff.c ${nsc_jpeg}/jdlhuff.c PROPERTIES
                              COMPILE_DEFINITIONS "__x86_64__;__ILP32__")
endif()

# ---- encoders, for fixtures of the tests

# OpenJPEG and CharLS have theirs in the same files.
nsc_add_jpeg(jpeg_encoder
  "jcapimin;jcarith;jchuff;jcicc;jcinit;jclhuff;jcmarker;jcmaster;jcparam;jcphuff;jdatadst;jfdctflt"
  "jcapistd;jccolor;jcdiffct;jclossls;jcmainct;jcprepct;jcsample"
  "jccoefct;jcdctmgr;jfdctfst;jfdctint")
target_link_libraries(jpeg_encoder PUBLIC jpeg)
set_target_properties(jpeg_encoder PROPERTIES EXCLUDE_FROM_ALL ON)

# ---- ours

file(GLOB nsc_codec_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/codec/*.c)
add_library(nsc_codec STATIC ${nsc_codec_sources})
set(nsc_codec_own ${nsc_codec_flags} ${NSC_SANITIZE_FLAGS})
target_compile_options(nsc_codec PRIVATE ${nsc_codec_own} ${NSC_WARNINGS} -ffunction-sections -fdata-sections)
target_include_directories(nsc_codec PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
target_link_libraries(nsc_codec PRIVATE openjp2 charls jpeg)
