#include "daemon/options.hpp"

#include <sstream>

#include <boost/program_options.hpp>

namespace lvsd::daemon {
namespace {

namespace po = boost::program_options;

po::options_description visible(Options& o) {
  po::options_description description{"Options", 100};
  auto add = description.add_options();
  add("config,c", po::value(&o.config)->value_name("FILE")->default_value(o.config), "the configuration file");
  add("node,n", po::value(&o.node)->value_name("NAME"),
      "which [node] of the file this director is (default: host name)");
  add("check,t", po::bool_switch(&o.check), "check the configuration and exit: 0 valid, 4 invalid");
  add("pcap", po::value(&o.pcap)->value_name("FILE"),
      "say what the engine would do with the packets of this capture file, and exit");
  add("pcap-out", po::value(&o.pcap_out)->value_name("FILE"),
      "with --pcap: write them, with what leaves, to this capture file (pcap-ng)");
  add("foreground,f", "accepted for scripts: lvsd never goes to the background");
  add("run-dir", po::value(&o.run_dir)->value_name("DIR")->default_value(o.run_dir), "where the control sockets live");
  add("state-dir", po::value(&o.state_dir)->value_name("DIR")->default_value(o.state_dir),
      "where operator overrides are kept");
  add("version,V", po::bool_switch(&o.version), "print the version and exit");
  add("help,h", po::bool_switch(&o.help), "print this help and exit");
  return description;
}

po::options_description internal(Options& o) {
  po::options_description description;
  auto add = description.add_options();
  add("room", po::value(&o.room));
  add("channel-fd", po::value(&o.channel_fd));
  add("parent", po::value(&o.parent));
  return description;
}

}  // namespace

base::Result<Options> parse_options(const std::vector<std::string>& arguments) {
  Options options;
  po::options_description all;
  all.add(visible(options)).add(internal(options));
  try {
    po::variables_map values;
    // No guessing: an abbreviated option of today may become ambiguous tomorrow.
    const int style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments).options(all).positional({}).style(style).run(), values);
    po::notify(values);
  } catch (const po::error& error) {
    return base::fail(error.what());
  }
  if (options.config.empty()) return base::fail("--config needs a file name");
  if (options.run_dir.empty()) return base::fail("--run-dir needs a directory");
  if (options.state_dir.empty()) return base::fail("--state-dir needs a directory");
  if (!options.pcap_out.empty() && options.pcap.empty()) return base::fail("--pcap-out needs --pcap");
  return options;
}

std::string help_text() {
  Options defaults;
  std::ostringstream out;
  out << "Usage: lvsd [OPTIONS]\n"
         "A director: virtual IPs by VRRP, health checks of the real servers, forwarding.\n\n"
      << visible(defaults)
      << "\nSignals: SIGHUP reloads the configuration, SIGTERM and SIGINT stop in order (the peer takes over at "
         "once).\n"
         "Exit codes: 0 ok, 1 failed, 2 usage, 4 configuration invalid. Ask a running lvsd with lvsctl(8).\n";
  return out.str();
}

}  // namespace lvsd::daemon
