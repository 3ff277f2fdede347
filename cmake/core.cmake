# Our own code as static libraries, one a folder of src/: the include walls of docs/ARCHITECTURE.md are the link walls here.
# nsc_add_core(variant) makes nsc_base[-variant], nsc_image[-variant] and so on; the variant is empty natively. It expects a
# target xnnpack[-variant].

set(NSC_WARNINGS -Wall -Wextra -Werror)
set(NSC_SANITIZE_FLAGS)
if(NSC_SANITIZE)
  set(NSC_SANITIZE_FLAGS -fsanitize=${NSC_SANITIZE} -fno-omit-frame-pointer -g -O1)
  if(NSC_SANITIZE MATCHES undefined)
    list(APPEND NSC_SANITIZE_FLAGS -fno-sanitize-recover=undefined)
  endif()
  add_link_options(-fsanitize=${NSC_SANITIZE})
endif()

set(nsc_modules base image nn train explain pipeline eval)
foreach(module IN LISTS nsc_modules ITEMS cli)
  string(TOUPPER ${module} upper)
  file(GLOB NSC_${upper}_SOURCES CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/${module}/*.c)
endforeach()

# Phantoms are the same to the bit everywhere only where no multiplication is fused with an addition.
file(GLOB nsc_phantom_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/image/phantom*.c)
set_source_files_properties(${nsc_phantom_sources} PROPERTIES COMPILE_OPTIONS -ffp-contract=off)

# The page's visitors download the core, so it is built for size but where pixels, weights and samples pass by in numbers.
set(nsc_fast_sources
  base/hash.c base/half.c base/ybr.c base/rng.c
  image/stb.c image/png.c image/gif.c image/bmp.c image/tiff*.c image/picture.c image/dicom_pixels.c image/dicom_rle.c
  image/dicom_palette.c image/dicom_lut.c image/mapping.c image/values.c image/histogram.c image/region.c
  image/resample.c image/resize.c image/taps.c image/render.c image/screen.c image/preprocess.c image/filter_*.c
  image/reformat*.c image/volume.c image/phantom*.c
  nn/compute.c nn/depthwise*.c nn/integer_*.c nn/op_attention.c nn/op_binary.c nn/op_concat_norm.c nn/op_conv.c
  nn/op_depthwise.c nn/op_gate.c nn/op_index.c nn/op_m*.c nn/op_norm.c nn/op_pool.c nn/op_quant.c nn/op_re*.c nn/op_shuffle.c
  nn/op_stem.c nn/op_top.c nn/op_unary*.c nn/op_winograd*.c nn/product.c nn/quant_*.c nn/rows.c nn/winograd*.c nn/window.c nn/words*.c nn/op_words.c
  train/augment*.c train/batches.c train/duplicates.c train/features.c train/layers_*.c train/loss.c train/optimiser.c
  explain/gaussian.c explain/look.c explain/map.c explain/perturb.c explain/vary.c)
list(TRANSFORM nsc_fast_sources PREPEND ${PROJECT_SOURCE_DIR}/src/)
file(GLOB nsc_fast_sources CONFIGURE_DEPENDS ${nsc_fast_sources})
# Words and figures are written once in a while, models read, networks built and data listed; readers of thousands of headers
# are not made slower than that.
set(nsc_small_sources "/src/(eval|pipeline)/|/src/base/survival|/src/image/report|/src/image/dicom_(write|put|deidentify|json|dict)")
string(APPEND nsc_small_sources "|/src/base/fields|/src/image/(header_text|image_json|metaimage|nifti|nrrd|orientation|recipe)")
string(APPEND nsc_small_sources "|/src/nn/(describe|footprint|model|onnx_|op_shape|operators|plan|quantize(_graph|_write)?[.]c|session)")
string(APPEND nsc_small_sources "|/src/train/(checkpoint|load|memory|need|net|np[yz]|passes|save|split|survival|table|zoo)")
if(EMSCRIPTEN)
  foreach(module IN LISTS nsc_modules)
    string(TOUPPER ${module} upper)
    foreach(source IN LISTS NSC_${upper}_SOURCES)
      if(source MATCHES "${nsc_small_sources}")
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS -Oz)
      elseif(NOT source IN_LIST nsc_fast_sources)
        set_property(SOURCE ${source} APPEND PROPERTY COMPILE_OPTIONS -Os)
      endif()
    endforeach()
  endforeach()
endif()

# What distinguishes the wasm variants, at compile time.
function(nsc_variant_flags variant out)
  set(flags)
  if(EMSCRIPTEN)
    set(flags -O3 -msimd128)
    if(variant MATCHES relaxed)
      list(APPEND flags -mrelaxed-simd)
    endif()
    if(variant MATCHES threads)
      list(APPEND flags -pthread)
    endif()
  endif()
  set(${out} ${flags} PARENT_SCOPE)
endfunction()

set(nsc_libdeflate_sources)
foreach(file deflate_decompress gzip_decompress zlib_decompress adler32 crc32 utils)
  list(APPEND nsc_libdeflate_sources ${nsc_source_libdeflate}/lib/${file}.c)
endforeach()
if(NOT EMSCRIPTEN)
  list(APPEND nsc_libdeflate_sources ${nsc_source_libdeflate}/lib/x86/cpu_features.c
       ${nsc_source_libdeflate}/lib/arm/cpu_features.c)
endif()

# The other half of libdeflate, for the command's PNG files only: the library never compresses.
if(NOT EMSCRIPTEN)
  add_library(libdeflate_write STATIC ${nsc_source_libdeflate}/lib/deflate_compress.c
              ${nsc_source_libdeflate}/lib/zlib_compress.c)
  target_link_libraries(libdeflate_write PUBLIC libdeflate)
endif()

function(nsc_add_core variant)
  set(dash)
  if(variant)
    set(dash -${variant})
  endif()
  nsc_variant_flags("${variant}" flags)

  add_library(libdeflate${dash} STATIC ${nsc_libdeflate_sources})
  target_include_directories(libdeflate${dash} PUBLIC ${nsc_source_libdeflate})
  target_compile_options(libdeflate${dash} PRIVATE ${flags})

  foreach(module IN LISTS nsc_modules)
    string(TOUPPER ${module} upper)
    set(target nsc_${module}${dash})
    add_library(${target} STATIC ${NSC_${upper}_SOURCES})
    target_compile_options(${target} PRIVATE ${flags} ${NSC_WARNINGS} ${NSC_SANITIZE_FLAGS} -ffunction-sections
                           -fdata-sections)
    target_include_directories(${target} PUBLIC ${PROJECT_SOURCE_DIR}/include ${PROJECT_SOURCE_DIR}/src)
  endforeach()
  target_compile_definitions(nsc_base${dash} PRIVATE NSC_VERSION="${PROJECT_VERSION}" NSC_VARIANT="${variant}")
  target_link_libraries(nsc_base${dash} PRIVATE libdeflate${dash})
  target_include_directories(nsc_image${dash} SYSTEM PRIVATE ${nsc_source_stb})
  target_link_libraries(nsc_image${dash} PUBLIC nsc_base${dash} PRIVATE libdeflate${dash})
  if(NOT EMSCRIPTEN) # on the page the codecs are a module of their own: emscripten/codec_import.c
    target_link_libraries(nsc_image${dash} PUBLIC nsc_codec)
  endif()
  target_link_libraries(nsc_nn${dash} PUBLIC nsc_base${dash} PRIVATE xnnpack${dash} m)
  target_link_libraries(nsc_train${dash} PUBLIC nsc_nn${dash})
  target_link_libraries(nsc_explain${dash} PUBLIC nsc_train${dash} PRIVATE m)
  target_link_libraries(nsc_eval${dash} PUBLIC nsc_base${dash} PRIVATE m)
  target_link_libraries(nsc_pipeline${dash} PUBLIC nsc_image${dash} nsc_train${dash} nsc_explain${dash}
                        nsc_eval${dash})
endfunction()
