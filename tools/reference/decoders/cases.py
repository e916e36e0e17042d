"""The decoders that fixtures are made of, each with what is particular to it."""

from dataclasses import dataclass, field
from typing import Any

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
INSTRUCT = (
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + message['content'].strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
LLAMA3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}"
    "{% set content = '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n\n'"
    " + message['content'] | trim + '<|eot_id|>' %}"
    "{% if loop.index0 == 0 %}{% set content = bos_token + content %}{% endif %}{{ content }}"
    "{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)

QUESTION = [
    {"role": "user", "content": "How many books are on the table, and what is the capital of France?"}
]
SYSTEM = [
    {"role": "system", "content": "You answer briefly."},
    {"role": "user", "content": "Has the train left? The reading room is open until nine."},
]
TURNS = [
    {"role": "user", "content": "How many books are there?"},
    {"role": "assistant", "content": "Seven."},
    {"role": "user", "content": "  Where is the old library? "},
]
TEXT = [
    {
        "role": "user",
        "content": "The old library stands at the end of the street, and its reading room is open"
        " until nine. She asked whether",
    }
]


@dataclass(frozen=True)
class Case:
    name: str
    model: str  # the configuration's class, without Config
    tokenizer: str
    template: str | None
    messages: list[dict[str, str]]
    config: dict[str, Any] = field(default_factory=dict)
    rope: dict[str, Any] = field(default_factory=lambda: {"rope_type": "default"})
    theta: float = 10000.0
    old_config: bool = False  # config.json as transformers 4 wrote it
    rope_type_name: str = "rope_type"  # its field in an old configuration
    inv_freq: bool = False  # stored frequencies, as in early Llama files
    dtype: str = "bfloat16"
    shard_size: str | None = None
    template_file: str = "tokenizer"  # or jinja


LLAMA31 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 24,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}

CASES = [
    Case(
        "llama2",
        "Llama",
        "llama2",
        INSTRUCT,
        TURNS,
        config=dict(num_key_value_heads=4, rms_norm_eps=1e-5),
        old_config=True,
        inv_freq=True,
        dtype="float16",
    ),
    Case(
        "llama_biases",
        "Llama",
        "llama2",
        INSTRUCT,
        QUESTION,
        config=dict(
            attention_bias=True,
            mlp_bias=True,
            head_dim=10,
            hidden_act="gelu_pytorch_tanh",
            tie_word_embeddings=True,
        ),
        dtype="float32",
    ),
    Case(
        "llama31",
        "Llama",
        "llama3",
        LLAMA3,
        SYSTEM,
        config=dict(head_dim=16, num_attention_heads=2, num_key_value_heads=1),
        rope=LLAMA31,
        theta=500.0,
        old_config=True,
        template_file="jinja",
    ),
    Case(
        "llama32_tied",
        "Llama",
        "llama3",
        LLAMA3,
        QUESTION,
        config=dict(tie_word_embeddings=True, head_dim=16, num_attention_heads=2),
        rope=LLAMA31 | {"factor": 32.0},
        theta=900.0,
    ),
    Case(
        "llama_linear",
        "Llama",
        "llama2",
        INSTRUCT,
        QUESTION,
        config=dict(tie_word_embeddings=True, max_position_embeddings=32),
        rope={"rope_type": "linear", "factor": 2.5},
        old_config=True,
        rope_type_name="type",
    ),
    Case(
        "llama_yarn",
        "Llama",
        "llama3",
        LLAMA3,
        QUESTION,
        config=dict(tie_word_embeddings=True, head_dim=16, num_attention_heads=2),
        rope=YARN
        | {"beta_fast": 4.0, "beta_slow": 0.5, "mscale": 1.3, "mscale_all_dim": 0.4, "truncate": False},
        theta=300.0,
    ),
    Case(
        "mistral_window_base",
        "Mistral",
        "llama2",
        None,
        TEXT,
        config=dict(sliding_window=12, tie_word_embeddings=True),
        old_config=True,
    ),
    Case(
        "mistral_v03",
        "Mistral",
        "metaspace",
        INSTRUCT.replace("[INST] ", "[INST]").replace(" [/INST]", "[/INST]"),
        TURNS[:1],
        config=dict(sliding_window=None, tie_word_embeddings=True),
        theta=1000000.0,
    ),
    Case(
        "mistral_nemo",
        "Mistral",
        "tekken",
        INSTRUCT.replace("[INST] ", "[INST]").replace(" [/INST]", "[/INST]"),
        QUESTION,
        config=dict(sliding_window=None, head_dim=12, tie_word_embeddings=True),
        theta=1000000.0,
    ),
    Case(
        "qwen2_window",
        "Qwen2",
        "qwen",
        CHATML,
        SYSTEM,
        config=dict(
            use_sliding_window=True,
            sliding_window=9,
            max_window_layers=1,
            num_hidden_layers=3,
            tie_word_embeddings=True,
        ),
        theta=1000000.0,
        old_config=True,
    ),
    Case(
        "qwen25_yarn",
        "Qwen2",
        "qwen",
        CHATML,
        QUESTION,
        config=dict(max_window_layers=2, use_sliding_window=False, num_attention_heads=2,
            max_position_embeddings=16),
        rope=YARN,
        theta=1000.0,
        old_config=True,
        rope_type_name="type",
    ),
    Case(
        "qwen3",
        "Qwen3",
        "qwen",
        "qwen3.jinja",
        SYSTEM,
        config=dict(head_dim=12, tie_word_embeddings=True, rms_norm_eps=1e-6),
        theta=1000000.0,
    ),
    Case(
        "qwen3_window_bias",
        "Qwen3",
        "qwen",
        CHATML,
        QUESTION,
        config=dict(
            head_dim=8,
            attention_bias=True,
            use_sliding_window=True,
            sliding_window=7,
            layer_types=["sliding_attention", "full_attention", "sliding_attention"],
            num_hidden_layers=3,
            tie_word_embeddings=True,
        ),
    ),
    Case(
        "qwen3_moe",
        "Qwen3Moe",
        "qwen",
        CHATML,
        SYSTEM,
        config=dict(
            head_dim=8,
            num_experts=6,
            num_experts_per_tok=2,
            moe_intermediate_size=16,
            norm_topk_prob=True,
            tie_word_embeddings=True,
        ),
        theta=1000000.0,
        old_config=True,
        shard_size="40KB",
    ),
    Case(
        "qwen3_moe_mixed",
        "Qwen3Moe",
        "qwen",
        CHATML,
        QUESTION,
        config=dict(
            head_dim=8,
            num_hidden_layers=4,
            num_experts=5,
            num_experts_per_tok=3,
            moe_intermediate_size=12,
            decoder_sparse_step=2,
            mlp_only_layers=[3],
            norm_topk_prob=False,
            tie_word_embeddings=True,
        ),
    ),
    Case(
        "qwen2_moe",
        "Qwen2Moe",
        "qwen",
        CHATML,
        QUESTION,
        config=dict(
            num_experts=5,
            num_experts_per_tok=2,
            moe_intermediate_size=12,
            shared_expert_intermediate_size=20,
            norm_topk_prob=False,
            use_sliding_window=True,
            sliding_window=10,
            max_window_layers=2,
            tie_word_embeddings=True,
        ),
    ),
]
