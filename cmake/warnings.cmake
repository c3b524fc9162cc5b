# Every target of the house links lvsd::warnings privately.
add_library(lvsd_warnings INTERFACE)
add_library(lvsd::warnings ALIAS lvsd_warnings)
target_compile_options(lvsd_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual -Wcast-align -Wimplicit-fallthrough -Wvla)
# g++ 12 sees a free of a non-heap object in inlined vector moves where there is none.
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  target_compile_options(lvsd_warnings INTERFACE -Wno-free-nonheap-object)
endif()
if(LVSD_WERROR)
  target_compile_options(lvsd_warnings INTERFACE -Werror)
endif()
