// Package anchor takes the journal's signed checkpoints to where the journal's
// own machine cannot take them back: a second file, a URL, syslog.
//
// Who is root on a machine can put back an old copy of the whole journal, or sign
// another history with its key. Neither agrees with a checkpoint that has left the
// machine before. A Keeper sends each new checkpoint to every Anchor, apart from
// whoever writes the journal; Notes reads them back from whatever they were kept
// in, for `fettle journal verify --anchor`.
package anchor
