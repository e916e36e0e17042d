package io.github.vlm4j.text.contrastive;

/** From a text to the ids of its words, without what is put around them. */
@FunctionalInterface
interface TextIds {

  /** The ids, as many as there are. */
  int[] of(String text);
}
