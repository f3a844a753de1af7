#include "runtime/peer_metrics.h"

namespace leat::runtime {

PeerMetrics::PeerMetrics(env::Metrics& metrics)
    : bytes_out(metrics.GetCounter("leat_peer_sent_bytes_total", "Bytes sent to other nodes of the cluster.", {})),
      bytes_in(
          metrics.GetCounter("leat_peer_received_bytes_total", "Bytes received from other nodes of the cluster.", {})),
      made(metrics.GetCounter("leat_peer_connections_made_total", "Connections made to other nodes of the cluster.",
                              {})),
      accepted(metrics.GetCounter("leat_peer_connections_accepted_total",
                                  "Connections that other nodes of the cluster have made and proved themselves on.",
                                  {})),
      lost(metrics.GetCounter("leat_peer_connections_lost_total",
                              "Connections with other nodes that broke, or fell silent.", {})),
      refused(metrics.GetCounter("leat_peer_connections_refused_total",
                                 "Connections to the internal listener that did not prove to be a node's.", {})),
      dropped(metrics.GetCounter("leat_peer_messages_dropped_total",
                                 "Messages to other nodes that were not sent: not connected, or over a limit.", {})) {}

}  // namespace leat::runtime
