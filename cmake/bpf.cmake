# lvsd_bpf(TARGET name.bpf.c): compiles for the BPF target and makes name.skel.h (bpftool's skeleton, the object embedded)
# for TARGET's sources.
find_program(LVSD_BPF_CLANG NAMES clang clang-14 clang-15 clang-16 REQUIRED)
find_program(LVSD_BPFTOOL NAMES bpftool HINTS /usr/sbin /sbin REQUIRED)

function(lvsd_bpf target source)
  get_filename_component(name ${source} NAME)
  string(REPLACE ".bpf.c" "" name ${name})
  set(input ${CMAKE_CURRENT_SOURCE_DIR}/${source})
  set(folder ${CMAKE_CURRENT_BINARY_DIR}/bpf)
  file(MAKE_DIRECTORY ${folder})
  # The BPF target does not know the host's multiarch folder, where asm/types.h lives.
  add_custom_command(
    OUTPUT ${folder}/${name}.skel.h
    COMMAND ${LVSD_BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Werror -MD -MF ${folder}/${name}.d
            -idirafter /usr/include/${CMAKE_LIBRARY_ARCHITECTURE} -c ${input} -o ${folder}/${name}.bpf.o
    COMMAND ${LVSD_BPFTOOL} gen skeleton ${folder}/${name}.bpf.o name ${name}_bpf > ${folder}/${name}.skel.h
    DEPENDS ${input} ${ARGN}
    COMMENT "BPF program ${name}"
    VERBATIM)
  add_custom_target(${target}_${name}_bpf DEPENDS ${folder}/${name}.skel.h)
  add_dependencies(${target} ${target}_${name}_bpf)
  target_sources(${target} PRIVATE ${folder}/${name}.skel.h)
  target_include_directories(${target} SYSTEM PRIVATE ${folder})
endfunction()
