// Package page holds the web page of the admin listener, and serves it: plain modules, a style sheet and
// the two libraries they need, without a build step and without another host.
//
//	p := page.New()
//	p.ServeHTTP(w, r)           // index.html, for GET /
//	p.Asset(w, r, hash, "a.js") // for GET /assets/{hash}/{file...}
//
// src has our own files, npm those of lit-html and uPlot as npm has them; npm/packages.json says which, and a test
// holds the files to it. The address of a file has a hash of all of them, so that browsers may keep it for ever and
// never mix two versions. All addresses are relative: the page works under any prefix that a proxy puts before it.
//
// The page is text and numbers of others, some of which clients choose. Nothing of that ever becomes HTML: lit-html writes
// text nodes, and the policy in Policy refuses scripts, styles and connections that are not ours.
package page
