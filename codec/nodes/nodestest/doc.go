// Package nodestest helps the tests of payload formats: nodes as text, one
// line each, an object model that is large enough for the vectors of the
// specification, and payloads cut at every byte.
//
//	/3/0/9 Integer 95 @1320067464.5
//	 path  kind  value  stamp, where there is one
package nodestest
