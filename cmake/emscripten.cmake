# Finds Emscripten: NSC_TOOLCHAIN (made by scripts/toolchain.sh), else emcc on the PATH (Debian 13's package, an emsdk).
include(${CMAKE_CURRENT_LIST_DIR}/toolchain-folder.cmake)
set(nsc_emcc ${NSC_TOOLCHAIN}/emsdk/emscripten/emcc)
if(NOT EXISTS ${nsc_emcc})
  find_program(nsc_emcc_on_path emcc REQUIRED)
  get_filename_component(nsc_emcc ${nsc_emcc_on_path} REALPATH)
endif()
get_filename_component(nsc_emscripten_root ${nsc_emcc} DIRECTORY)
include(${nsc_emscripten_root}/cmake/Modules/Platform/Emscripten.cmake)
