// Package platform holds the JSON shapes of the platform's public API: managed
// objects, their relations, external IDs and binaries, operations, collections
// with their paging, users, tenants, audit records, errors, and the last values
// of a device. It parses and appends bytes; it knows no HTTP and no store.
//
//	managed object  {"id","self","type","name","owner","creationTime","lastUpdated", fragment…, references…}
//	operation       {"id","self","deviceId","status","creationTime","c8y_Command":{"text","result"}, fragment…}
//	collection      {"self","next","prev","statistics":{"currentPage","pageSize",…},"<name>":[…]}
//	external ID     {"self","externalId","type","managedObject":{"id","self"}}
//	user, tenant    {"id","self","userName",…}  {"id","self","domain","company",…}
//	error           {"error","message","info"}
//
// It promises that what it does not know is kept as raw JSON in the order of
// arrival, that no number passes through a float, that identifiers are decimal
// text, and that a body is bounded in length, depth and number of members.
package platform
