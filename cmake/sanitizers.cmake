# LVSD_SANITIZE is a comma list for -fsanitize=, set by the presets "dev" and "tsan"; empty means none.
if(LVSD_SANITIZE)
  add_compile_options(-fsanitize=${LVSD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${LVSD_SANITIZE})
  # g++ 12 does not see through the instrumentation of Boost.JSON's results and reports moves of them as uninitialized.
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    add_compile_options(-Wno-maybe-uninitialized)
    # ThreadSanitizer does not know Asio's fences; g++ warns of each.
    if(LVSD_SANITIZE MATCHES thread)
      add_compile_options(-Wno-tsan)
    endif()
  endif()
endif()
