/** What is said to a model and what it answers: messages, requests, results. */
@NullMarked
package io.github.vlm4j.models.chat;

import org.jspecify.annotations.NullMarked;
