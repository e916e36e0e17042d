// Prints the tokens that llama.cpp finds likeliest after a prompt of token ids, end or not, or how it tokenises texts.
//
//   greedy MODEL.gguf COUNT ID,ID,...      one line of COUNT ids, and how narrowly one of them was chosen
//   greedy MODEL.gguf tokenize < TEXTS     a line of ids for each line, in which \n stands for a line break

#include "llama.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <string>
#include <vector>

static void print(const std::vector<llama_token> & ids) {
    for (size_t i = 0; i < ids.size(); i++) {
        printf(i ? ",%d" : "%d", ids[i]);
    }
    printf("\n");
}

static void tokenize(const llama_vocab * vocab) {
    for (std::string line; std::getline(std::cin, line);) {
        for (size_t at; (at = line.find("\\n")) != std::string::npos;) {
            line.replace(at, 2, "\n");
        }
        std::vector<llama_token> ids(line.size() + 8);
        ids.resize(llama_tokenize(vocab, line.data(), line.size(), ids.data(), ids.size(), false, true));
        print(ids);
    }
}

int main(int, char ** arguments) {
    llama_log_set([](ggml_log_level, const char *, void *) {}, nullptr);
    llama_model_params model_params = llama_model_default_params();
    model_params.n_gpu_layers = 0;
    llama_model * model = llama_model_load_from_file(arguments[1], model_params);
    if (!model) {
        fprintf(stderr, "cannot load %s\n", arguments[1]);
        return 1;
    }
    const llama_vocab * vocab = llama_model_get_vocab(model);
    if (std::string(arguments[2]) == "tokenize") {
        tokenize(vocab);
        return 0;
    }
    llama_context_params params = llama_context_default_params();
    params.n_ctx = 512;
    params.n_threads = params.n_threads_batch = 1;
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    llama_context * context = llama_init_from_model(model, params);
    std::vector<llama_token> batch, answer;
    std::stringstream prompt(arguments[3]);
    for (std::string id; std::getline(prompt, id, ',');) {
        batch.push_back(std::stoi(id));
    }
    float margin = INFINITY;
    const int vocabulary = llama_vocab_n_tokens(vocab);
    for (int i = 0; i < std::stoi(arguments[2]); i++) {
        if (llama_decode(context, llama_batch_get_one(batch.data(), batch.size()))) {
            return 1;
        }
        const float * logits = llama_get_logits_ith(context, -1);
        batch = {llama_token(std::max_element(logits, logits + vocabulary) - logits)};
        answer.push_back(batch[0]);
        for (int id = 0; id < vocabulary; id++) {
            margin = id == batch[0] ? margin : std::min(margin, logits[batch[0]] - logits[id]);
        }
    }
    print(answer);
    printf("%g\n", margin);
}
