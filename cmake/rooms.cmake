# One static library per room. A room's own libraries stay private to it; only lvsd::base is visible everywhere.
function(lvsd_room name)
  cmake_parse_arguments(ROOM "" "" "SOURCES;LIBS;ROOMS" ${ARGN})
  add_library(lvsd_${name} STATIC ${ROOM_SOURCES})
  add_library(lvsd::${name} ALIAS lvsd_${name})
  target_include_directories(lvsd_${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(lvsd_${name} PUBLIC ${ROOM_ROOMS} PRIVATE lvsd::warnings ${ROOM_LIBS})
endfunction()

# lvsd_test(NAME vrrp_state_machine KIND unit ROOM vrrp SOURCES … LIBS …): one GoogleTest binary, labels = kind and room.
function(lvsd_test)
  cmake_parse_arguments(T "" "NAME;KIND;ROOM" "SOURCES;LIBS" ${ARGN})
  add_executable(${T_NAME}_test ${T_SOURCES})
  target_link_libraries(${T_NAME}_test PRIVATE lvsd::warnings lvsd::${T_ROOM} ${T_LIBS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${T_NAME}_test PRIVATE LVSD_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  add_test(NAME ${T_KIND}.${T_ROOM}.${T_NAME} COMMAND ${T_NAME}_test)
  set_tests_properties(${T_KIND}.${T_ROOM}.${T_NAME} PROPERTIES LABELS "${T_KIND};${T_ROOM}" TIMEOUT 120)
endfunction()
