// DescribeCluster and the advertised addresses.
#include "broker/broker_impl.h"

namespace leat::broker {

void BrokerImpl::DescribeCluster(Callback<ClusterDescription> done) {
  home().Post([this, done = std::move(done)]() mutable {
    ClusterDescription cluster;
    cluster.cluster_id = cluster_id_;
    cluster.controller = options_.node_id;
    ClusterDescription::Node node = advertised_;
    node.id = options_.node_id;
    cluster.nodes.push_back(std::move(node));
    cluster.version = LEAT_VERSION;
    cluster.start_time_ms = start_time_ms_;
    done(std::move(cluster));
  });
}

void BrokerImpl::SetAdvertised(std::string grpc, std::string kafka, std::string admin) {
  home().Post([this, grpc = std::move(grpc), kafka = std::move(kafka), admin = std::move(admin)]() mutable {
    advertised_ = {options_.node_id, std::move(grpc), std::move(kafka), std::move(admin)};
  });
}

}  // namespace leat::broker
