// Package storetest has a Redis server for tests, of as many commands as are used here. It runs in the test's own
// process and by its clock, so that a test in virtual time can let keys expire; and it can be taken away, stopped,
// emptied, or made to answer with an error, as a real one does at its worst.
//
//	s := storetest.New()
//	c := store.New(store.Options{Addresses: []string{"redis:6379"}, Dial: s.Dial})
//	s.Say("LOADING Redis is loading the dataset in memory")
package storetest
