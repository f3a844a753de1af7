// The inputs of the shipped applications (config/jobs), in the form of the open data that their guides use, with
// something planted that the job has to find.
#pragma once

#include <memory>

#include "tools/leat/event_generator.h"
#include "tools/leat/planned_events.h"

namespace leat::tool {

// Readings {"sensor","timestamp","value"}: a thing is a reading that is due, each sensor has one in 300 s, and
// PlanOptions::rate counts for nothing. Planted: readings 40 away from the sensor's others, which differ by 1 at most,
// and only behind its 288th; and silences, in which 3 readings or more are left out. REQUIRES: sensors > 0.
std::unique_ptr<EventGenerator> MakeSensorReadings(const PlanOptions& options, uint32_t sensors);

// Lines of a web server's access log, keyed by the visitor. Planted: answers 500, and lines that are cut off.
std::unique_ptr<EventGenerator> MakeAccessLog(const PlanOptions& options);

enum class SupplyStream {
  kOrders,  // {"order_id","customer_id","order_status","order_purchase_timestamp","order_estimated_delivery_date"}
  kEvents,  // {"event_time","order_id","event_type"}: purchased, approved, shipped, delivered
};
// One of the two streams about the same orders; the truth is about both. Planted: orders that are late, those never
// delivered, and those not approved within 24 hours.
std::unique_ptr<EventGenerator> MakeSupplyChain(const PlanOptions& options, SupplyStream stream);

// {"event_time","event_type","product_id","category_id","category_code","brand","price","user_id","user_session"}: a
// thing is a session of a shop's visitor. Planted: pairs of products that are only seen together. The truth also has
// orders and revenue in all.
std::unique_ptr<EventGenerator> MakeShopEvents(const PlanOptions& options);

}  // namespace leat::tool
