"""The texts of every problem, by code: what is wrong and what to write, in Chinese and English."""

from gateway.site.fire_messages import FIRE_MESSAGES
from gateway.site.patrol_messages import PATROL_MESSAGES
from gateway.site.problem_text import Text
from gateway.site.pump_messages import PUMP_MESSAGES
from gateway.site.sensor_messages import SENSOR_MESSAGES
from gateway.site.upkeep_messages import UPKEEP_MESSAGES

CHANGE_TO = Text("", "改为 {near}", "", "Write {near}")
_FILES_ZH, _FILES_EN = "文件说明见 docs/configuration.md", "The files are described in docs/configuration.md"

MESSAGES: dict[str, Text] = {
    # Files
    "dir_missing": Text(
        "目录 {name} 不存在", "给出 device_configs 目录的路径",
        "There is no directory {name}", "Give the path of your device_configs directory",
    ),
    "dir_empty": Text(
        "目录里没有 {name}", "建立 {name}，可以从自带的 device_configs 复制",
        "The directory has no {name}", "Create {name}; the shipped device_configs is a start",
    ),
    "file_missing": Text(
        "缺少文件 {name}", "建立这个文件；" + _FILES_ZH, "The file {name} is missing", "Create it. " + _FILES_EN,
    ),
    "file_unknown": Text(
        "不认识文件 {word}", "可用的文件：{known}", "Unknown file {word}", "Known files: {known}",
    ),
    "file_unreadable": Text(
        "无法读取文件：{why}", "检查文件权限", "The file cannot be read: {why}", "Check its permissions",
    ),
    "file_too_big": Text(
        "文件有 {size} 字节，超过上限 {limit}", "拆成多个站点或去掉多余内容",
        "The file has {size} bytes, more than {limit}", "Split the site or remove what is not needed",
    ),
    "not_utf8": Text(
        "文件不是 UTF-8 编码（第 {byte} 字节）", "另存为 UTF-8",
        "The file is not UTF-8 (byte {byte})", "Save it as UTF-8",
    ),
    # YAML
    "yaml_syntax": Text(
        "YAML 语法错误：{why}", "检查这一行和上一行的缩进、冒号和引号；缩进只用空格",
        "YAML syntax: {why}", "Check indentation, colons and quotes here and one line above; indent with spaces",
    ),
    "yaml_empty": Text(
        "文件是空的", "写上 {known}；" + _FILES_ZH, "The file is empty", "Write {known}. " + _FILES_EN,
    ),
    "yaml_documents": Text(
        "一个文件里只能有一个 YAML 文档", "去掉 --- 之后的内容，或放进另一个文件",
        "A file holds one YAML document only", "Remove what follows --- or move it to another file",
    ),
    "yaml_tag": Text(
        "不允许使用 YAML 标签 {tag}", "去掉标签，直接写值",
        "The YAML tag {tag} is not allowed", "Remove the tag and write the plain value",
    ),
    "yaml_alias": Text(
        "不支持 YAML 锚点和别名（& 和 *）", "把内容写全，不要引用；以 * 或 & 开头的文字要加引号",
        "YAML anchors and aliases (& and *) are not supported",
        "Write the value out; put text that starts with * or & in quotes",
    ),
    "yaml_depth": Text(
        "嵌套超过 {limit} 层", "检查缩进和括号", "Nested deeper than {limit} levels", "Check indentation and brackets",
    ),
    "yaml_key": Text(
        "键必须是文字", "写成 名称: 值 的形式", "A key must be a word", "Write it as name: value",
    ),
    "duplicate_key": Text(
        "键 {word} 重复，第一次在第 {first} 行", "只保留一个",
        "The key {word} appears twice, first in line {first}", "Keep one of them",
    ),
    # Shape
    "unknown_key": Text("不认识的键 {word}", "可用的键：{known}", "Unknown key {word}", "Known keys: {known}"),
    "missing_key": Text("缺少 {word}", "补上 {word}", "{word} is missing", "Add {word}"),
    "want_text": Text(
        "应为文字，实际是 {value}", '加上引号："{value}"',
        "Text is expected, not {value}", 'Put it in quotes: "{value}"',
    ),
    "want_number": Text(
        "应为数字，实际是 {value}", "只写数字，不带单位和引号",
        "A number is expected, not {value}", "Write the number alone, without unit or quotes",
    ),
    "want_integer": Text(
        "应为整数，实际是 {value}", "写一个整数", "A whole number is expected, not {value}", "Write a whole number",
    ),
    "want_boolean": Text(
        "应为 true 或 false，实际是 {value}", "写 true 或 false",
        "true or false is expected, not {value}", "Write true or false",
    ),
    "want_list": Text(
        "应为列表，实际是 {value}", "每项一行，以 - 开头；或写成 [a, b]",
        "A list is expected, not {value}", "Start each entry with - on its own line, or write [a, b]",
    ),
    "want_mapping": Text(
        "应为“名称: 值”的组合，实际是 {value}", "按 名称: 值 逐行书写；" + _FILES_ZH,
        "name: value pairs are expected, not {value}", "Write one name: value per line. " + _FILES_EN,
    ),
    "list_empty": Text("列表是空的", "至少写一项", "The list is empty", "Write at least one entry"),
    "not_one_of": Text(
        "不认识的值 {word}", "可选：{known}", "Unknown value {word}", "Choose one of: {known}",
    ),
    "bad_form": Text(
        "{value} 的写法不对", "{fix_zh}", "{value} has the wrong form", "{fix_en}",
    ),
    "bad_duration": Text(
        "{value} 不是时长", "数字带单位，如 10s、5min、4h、7d 或 PT5M（m 不是分钟，写 min）",
        "{value} is not a duration", "Write number and unit such as 10s, 5min, 4h, 7d or PT5M (minutes are min, not m)",
    ),
    "bad_date": Text(
        "{value} 不是日期", "写成 2026-12-01 这样的日期", "{value} is not a date", "Write a date such as 2026-12-01",
    ),
    "out_of_bounds": Text(
        "{value} 超出允许范围", "应 {bound}", "{value} is out of bounds", "It must be {bound}",
    ),
    "not_finite": Text(
        "数值必须是有限数", "写一个普通的数字", "The number must be finite", "Write an ordinary number",
    ),
    "text_length": Text(
        "文字为空或过长", "写 1 到 {limit} 个字符", "The text is empty or too long", "Write 1 to {limit} characters",
    ),
    "invalid": Text("值无效：{why}", _FILES_ZH, "Invalid value: {why}", _FILES_EN),
    # References
    "duplicate_id": Text(
        "{word} 重复，第一次在 {first}", "换一个编号，或删掉多余的一项",
        "{word} is declared twice, first at {first}", "Use another id or remove one",
    ),
    "unknown_reference": Text(
        "{what} {word} 没有定义", "已定义：{known}", "There is no {what_en} {word}", "Declared: {known}",
    ),
    "area_cycle": Text(
        "区域 {word} 的上级绕回了自己", "改掉其中一个 parent",
        "Area {word} lies within itself", "Correct one of the parents",
    ),
    "owner_role": Text(
        "{word} 的角色是 {role}，与 owner_role {wanted} 不一致", "换一个责任人，或改 owner_role",
        "{word} has the role {role}, not the owner_role {wanted}", "Name another owner or change owner_role",
    ),
    # Site and points
    "unknown_timezone": Text(
        "不认识时区 {word}", "写 IANA 名称，如 Asia/Shanghai",
        "Unknown time zone {word}", "Write an IANA name such as Asia/Shanghai",
    ),
    "site_id": Text(
        "站点编号 {word} 与目录名 {directory} 不一致", "两者改成一样，如 id: {directory}",
        "The site id {word} differs from its directory {directory}", "Make them the same, e.g. id: {directory}",
    ),
    "unknown_unit": Text("不认识单位 {word}", "可用单位：{known}", "Unknown unit {word}", "Known units: {known}"),
    "unit_quantity": Text(
        "{quantity} 不能用单位 {word}", "可用：{known}",
        "{quantity} cannot have the unit {word}", "Use one of: {known}",
    ),
    "set_value_range": Text(
        "设定值 {value} 不在有效范围 {low} 至 {high} 内", "改设定值，或放宽 valid_min / valid_max",
        "The set value {value} is outside the valid range {low} to {high}", "Correct it, or valid_min / valid_max",
    ),
    "valid_range": Text(
        "valid_min {low} 不小于 valid_max {high}", "对调两个值",
        "valid_min {low} is not below valid_max {high}", "Swap them",
    ),
    "not_positive": Text(
        "{word} 必须大于 0", "写如 2s；人工录入的点写 interval: none",
        "{word} must be more than 0", "Write e.g. 2s; for values entered by hand write interval: none",
    ),
    "stale_short": Text(
        "stale_after {value} 短于 interval {interval}", "至少写 {interval}，建议 3 倍",
        "stale_after {value} is shorter than interval {interval}", "Write at least {interval}; three times is usual",
    ),
    "stale_unused": Text(
        "没有 interval 的点不会失联", "去掉 stale_after，或写上 interval",
        "A point without interval cannot fall silent", "Remove stale_after or give an interval",
    ),
    # Channels
    "secret_in_file": Text(
        "这里像是写了密钥（不显示）；密钥不能写进文件", "把密钥放进环境变量，这里只写变量名，如 {example}",
        "This looks like a secret (not shown); secrets do not belong in files",
        "Put it in an environment variable and write only its name here, e.g. {example}",
    ),
    "env_name": Text(
        "不是环境变量名", "用大写字母、数字和下划线，如 {example}",
        "This is not the name of an environment variable", "Capital letters, digits and _ such as {example}",
    ),
    "env_missing": Text(
        "{kind} 通道需要 {word}", "补上 {word}: {example}", "A {kind} channel needs {word}", "Add {word}: {example}",
    ),
    "env_unwanted": Text(
        "{kind} 通道不用 {word}", "去掉 {word}", "A {kind} channel has no {word}", "Remove {word}",
    ),
    # Policies
    "escalation_down": Text(
        "升级从 {before} 到 {word}，没有向上", "按 engineer → supervisor → manager 的顺序写",
        "Escalation goes from {before} to {word}, not upward", "Follow engineer → supervisor → manager",
    ),
    "escalation_later": Text(
        "这一级的 after {value} 不晚于上一级的 {before}", "写一个更晚的时间",
        "after {value} is not later than the step before ({before})", "Write a later time",
    ),
    "escalation_nobody": Text(
        "{area} 没有角色为 {role} 的人，策略 {policy} 升级到此无人接收",
        "在 people.yaml 里加一个 {role}，区域包含 {area}",
        "Nobody has the role {role} in {area}, where policy {policy} escalates to",
        "Add a {role} who covers {area} to people.yaml",
    ),
    "clock_missing": Text(
        "{word} 没有写，服务时限表 {row} 也没有", "补上 {word}",
        "{word} is neither here nor in the SLA row {row}", "Add {word}",
    ),
    "clock_looser": Text(
        "{value} 比服务时限表 {row} 的 {limit} 更宽", "写不超过 {limit} 的时限",
        "{value} is looser than {limit} of the SLA row {row}", "Write at most {limit}",
    ),
    "policy_needed": Text(
        "缺少策略 {word}，系统自带的告警要用它", "在 policies/ 里加上 id: {word}",
        "The policy {word} is missing; built-in alerts need it", "Add id: {word} under policies/",
    ),
    "channel_kind": Text(
        "策略 {policy} 要用通道 {word}，站点 {site} 没有", "站点已有：{known}",
        "Policy {policy} uses the channel {word}, which site {site} lacks", "The site has: {known}",
    ),
    # Approvals
    "band_order": Text(
        "审批金额段上限 {value} 元没有大于前一段的 {before} 元", "各段按上限从小到大排列",
        "The band's {value} yuan is not above the {before} yuan of the one before", "Order bands by rising amount",
    ),
    "band_open": Text(
        "审批金额段 {word} 应当：只有最后一段不写 up_to_yuan", "最后一段去掉 up_to_yuan，其他各段都写上",
        "Band {word}: the last band, and only it, has no up_to_yuan", "Remove it from the last, add it to the others",
    ),
    "band_twice": Text(
        "审批金额段 {band} 里 {word} 出现两次", "每个职务只写一次",
        "{word} decides twice in band {band}", "Name every title once",
    ),
    "title_unknown": Text(
        "没有哪一段审批用到职务 {word}", "可用的职务：{known}",
        "No chain of approval has the title {word}", "Known titles: {known}",
    ),
    # Limits
    "threshold_missing": Text(
        "{kind} 限值需要 {word}", "补上 {word}", "A {kind} limit needs {word}", "Add {word}",
    ),
    "threshold_unwanted": Text(
        "{kind} 限值不用 {word}", "去掉 {word}", "A {kind} limit has no {word}", "Remove {word}",
    ),
    "return_side": Text(
        "回差 return_threshold {value} 在限值 {threshold} 的错误一侧", "应 {bound}，如 {example}",
        "return_threshold {value} is on the wrong side of threshold {threshold}", "It must be {bound}, e.g. {example}",
    ),
    "severe_side": Text(
        "severe_threshold {value} 没有比限值 {threshold} 更严重", "应 {bound}",
        "severe_threshold {value} is not beyond threshold {threshold}", "It must be {bound}",
    ),
    "off_grid": Text(
        "{value} 不是分辨率 {step} 的整数倍", "写 {step} 的整数倍",
        "{value} is not a multiple of the resolution {step}", "Write a multiple of {step}",
    ),
    "window_missing": Text(
        "min_count 大于 1 时需要 window", "补上 window，如 1h",
        "min_count above 1 needs window", "Add window, e.g. 1h",
    ),
    "limit_unit": Text(
        "限值 {limit} 的单位是 {wanted}，点 {point} 的单位是 {unit}", "点的 unit 改为 {wanted}，读数按 {wanted} 上报",
        "Limit {limit} is in {wanted}, point {point} in {unit}", "Declare and send the point in {wanted}",
    ),
    "limit_quantity": Text(
        "限值 {limit} 针对 {wanted}，点 {point} 是 {quantity}", "从 points 里去掉 {point}",
        "Limit {limit} is for {wanted}, point {point} is {quantity}", "Remove {point} from points",
    ),
    "limit_nowhere": Text(
        "限值 {limit} 在本站点没有适用的点", "写上 points，或删掉这一项",
        "Limit {limit} applies to no point of this site", "Name points, or remove this entry",
    ),
    "loosened": Text(
        "{fields} 比限值 {limit} 规定的更宽",
        "收紧到规定以内；确需放宽时写 reason 和 approved_by（supervisor 或 manager）",
        "{fields} is looser than limit {limit} documents",
        "Tighten it; if it must be looser, give reason and approved_by (supervisor or manager)",
    ),
    "approver": Text(
        "{word} 不能批准放宽限值", "approved_by 写 supervisor 或 manager",
        "{word} cannot approve a looser limit", "Write supervisor or manager",
    ),
    "variant_looser": Text(
        "附加限值 {limit} 的限值 {value} 没有比规定的 {threshold} 更严", "附加的预警只能更严",
        "The added band {limit} with {value} is not tighter than the documented {threshold}",
        "An added band may only be tighter",
    ),
    "suspend_point": Text(
        "{word} 不是运行状态点（{quantity}）", "suspend_while 只能引用 quantity: run_state 的点",
        "{word} is not a run-state point ({quantity})", "suspend_while needs a point with quantity: run_state",
    ),
    "override_twice": Text(
        "限值 {limit} 在点 {point} 上改了两次，第一次在 {first}", "合并成一项",
        "Limit {limit} is changed twice for point {point}, first at {first}", "Make it one entry",
    ),
    **PATROL_MESSAGES,
    **FIRE_MESSAGES,
    **UPKEEP_MESSAGES,
    **SENSOR_MESSAGES,
    **PUMP_MESSAGES,
}  # fmt: skip
