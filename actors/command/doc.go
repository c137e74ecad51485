// Package command is the shell language of the platform: text of one or more
// lines, each of which becomes one request to an LwM2M client, and the answer
// to that request as a result that can be shown and stored.
//
//	read /o[/i[/r[/ri]]]                    observe /p [attributes]
//	cread /p [/p…]                          cobserve /p [/p…] [attributes]
//	write [-r] /o/i/r[/ri] value            cancelobservation [-p] /p [/p…]
//	write [-r] /o/i {"r":value,…}           discover /p [depth]
//	cwrite /p value [/p value…]             create /o [{"id":n,"r":value,…}]
//	writeb /o/i/r hex|binary:file           delete /o/i[/r[/ri]]
//	execute /o/i/r [0='a',1]                executelegacy /o/i/r [text]
//	writeattr /p pmin=1&pmax=5&gt&cancel    serialization FORMAT|DEFAULT
//	coap {"method":…,"uri":…,"contentFormat":…,"accept":…,"payloadHex":…}
//
// A line ends at the line break; only a JSON object may go on over several.
// Empty lines count for nothing. A value may stand in double quotes, with the
// escapes of JSON; its type is that of the object model. In a JSON object a
// resource with instances is an object itself: {"0":{"0":"a","1":"b"}}.
//
// Parse knows no device and finds every fault that needs none; Line.Request
// finds those that do. Both say where: SyntaxError. The package promises that
// the same line gives the same request for the same Device, byte for byte,
// except for token and message ID, which belong to who sends it. It sends
// nothing, remembers nothing, and never answers in place of the client: paths
// that a client did not list and operations that its version lacks go out.
package command
