/* A trained network as ONNX: convolutions, batch norms and activations as they are, dropout at its rate, which at
 * inference does nothing. */
#ifndef NSC_TRAIN_SAVE_H
#define NSC_TRAIN_SAVE_H

#include "nn/onnx_write.h"
#include "train/net.h"

/* Adds the whole graph: input "image" [batch][channels][height][width], and where the network takes numbers about the
   patient "fields" [batch][fields] as they are, not standardised; output "logits" [batch][labels], or of a network that
   gives pictures "picture" [batch][channels][height][width]. With `half`, weights of two and more dimensions are stored
   as float16. The caller adds metadata and finishes the writer. */
NSC_WARN_UNUSED nsc_status nsc_net_write(const nsc_net *net, bool half, nsc_onnx_writer *w, nsc_error *err);

#endif
