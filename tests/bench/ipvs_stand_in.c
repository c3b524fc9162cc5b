// Answers for the kernel's IPVS where it has none, so that keepalived's checker runs: preloaded into it by
// checks_beside_keepalived.py. Every request over generic netlink is acknowledged at once and does nothing.
typedef int (*on_answer)(void* message, void* argument);

enum { FINISH = 1, ACKNOWLEDGED = 4, KINDS = 5 };  // enum nl_cb_type

static on_answer callbacks[KINDS];
static void* arguments[KINDS];

int genl_ctrl_resolve(void* socket, const char* name) {
  (void)socket, (void)name;
  return 1;
}

int nl_socket_modify_cb(void* socket, int type, int kind, on_answer callback, void* argument) {
  (void)socket, (void)kind;
  if (type != FINISH && type != ACKNOWLEDGED) return 0;
  callbacks[type] = callback;
  arguments[type] = argument;
  return 0;
}

int nl_send_auto(void* socket, void* message) {
  (void)socket, (void)message;
  return 1;
}

int nl_recvmsgs_default(void* socket) {
  (void)socket;
  for (int type = 0; type < KINDS; ++type) {
    if (callbacks[type]) callbacks[type](0, arguments[type]);
  }
  return 0;
}
