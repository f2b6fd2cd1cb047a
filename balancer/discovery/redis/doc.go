// Package redis is where servers register themselves, and where a gateway finds them: a Redis server.
//
// A Registrar writes what a server says of itself, a Record, under a key that Redis drops when it is not renewed; it is
// renewed three times in that time. A Source reads all records of a group every two seconds. Redis' own clock says what
// has expired; nobody's clock is compared with another's.
//
// What a record says by Departing is believed at once. One that is missing is not:
//
//   - An endpoint whose record expired departs: it gets no new requests, those under way go on. It is forgotten after a
//     while. Its server may be well, and only whoever registers it not.
//   - If more than half are missing at once, it is the store that is in doubt: it was emptied, it began anew, or its clock
//     was set. Then all stay as they were for as long as the longest of the records was to live. In that time whoever is
//     there has registered again. Where none at all is registered they stay for as long as that is so.
//
// The keys, of a group "chat" in the cluster "steelyard":
//
//	steelyard:{steelyard}:servers:chat              a set of the servers' names
//	steelyard:{steelyard}:server:chat:10.0.0.5:8000 a record as JSON, with its time to live
package redis
