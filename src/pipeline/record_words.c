#include "pipeline/record_words.h"

#include <string.h>

static const char *const languages[NSC_RECORD_LANGUAGES] = {"en", "zh-CN"};

static const struct {
  const char *name, *texts[NSC_RECORD_LANGUAGES];
} words[] = {
    {"title", {"Report of a classification", "分类报告"}},
    {"notice", {"For research and teaching. Not for diagnosis.", "仅供研究与教学，不得用于诊断。"}},
    {"result", {"Result", "结果"}},
    {"above",
     {"The score of “{0}” is {1}: at or above the model's threshold of {2}.", "“{0}”的得分为 {1}，达到模型阈值 {2}。"}},
    {"below",
     {"The score of “{0}” is {1}: below the model's threshold of {2}.", "“{0}”的得分为 {1}，低于模型阈值 {2}。"}},
    {"highest", {"“{0}” has the highest score of {2} labels: {1}.", "在 {2} 个标签中“{0}”得分最高：{1}。"}},
    {"none",
     {"No label reaches its threshold. The highest score is that of “{0}”: {1}.",
      "没有标签达到阈值。得分最高的是“{0}”：{1}。"}},
    {"borderline",
     {"That is borderline: within a factor of two of the odds that would turn it.",
      "处于临界：与改变结论所需的优势比相差不到一倍。"}},
    {"nothing", {"none", "无"}},
    {"calibrated",
     {"Scores are probabilities that were calibrated on validation cases (temperature {0}).",
      "得分是在验证集上校准过的概率（温度 {0}）。"}},
    {"uncalibrated",
     {"The model names no calibration: scores are what the network gives.", "模型未说明校准：得分为网络的直接输出。"}},
    {"interval",
     {"Under {0} small changes of the picture the score of “{1}” was {2} to {3}, {4} on average; the verdict turned "
      "{5} times. That says how steady the score is, not how right.",
      "对图像作 {0} 次微小改动后，“{1}”的得分为 {2} 至 {3}，平均 {4}；结论改变 {5} 次。"
      "这说明得分是否稳定，不说明是否正确。"}},
    {"dropout",
     {"In {0} runs of the network with its dropout at work the score of “{1}” was {2} to {3}, {4} on average; the "
      "verdict "
      "was another one {5} times. That says how unsure the weights are.",
      "在 {0} 次启用 dropout 的网络运行中，“{1}”的得分为 {2} 至 {3}，平均 {4}；结论不同 {5} "
      "次。这说明权重有多不确定。"}},
    {"no_interval",
     {"How steady the score is under small changes was not tested.", "未测试得分在微小改动下是否稳定。"}},
    {"label", {"Label", "标签"}},
    {"score", {"Score", "得分"}},
    {"threshold", {"Threshold", "阈值"}},
    {"applies", {"Applicability", "适用性"}},
    {"applies_in", {"The picture is like those that the model learnt from.", "该图像与模型学习所用的图像相似。"}},
    {"applies_doubtful",
     {"The picture is less like those that the model learnt from than 99 % of them. Doubt the score.",
      "与模型学习所用图像的 99% 相比，该图像差异更大。得分存疑。"}},
    {"applies_out",
     {"The picture is of another kind than those that the model learnt from. The score means nothing.",
      "该图像与模型学习所用的图像不是一类。得分没有意义。"}},
    {"applies_unknown",
     {"The model does not say what it learnt from. Whether it may judge this picture is not known.",
      "模型未说明其学习所用的图像，无法判断它是否适用于该图像。"}},
    {"reason_features", {"The network sees what it did not see in training.", "网络看到了训练中未见过的内容。"}},
    {"reason_look", {"Brightness, colour or texture are unusual.", "亮度、颜色或纹理不寻常。"}},
    {"reason_reconstruction",
     {"An autoencoder of such pictures cannot put it together again: the error is unusually large.",
      "由此类图像训练的自编码器无法还原它：重建误差异常大。"}},
    {"reason_colour", {"It is a colour picture; the model knows grey ones.", "这是彩色图像，而模型只学过灰度图像。"}},
    {"reason_shape", {"It is wider or higher than those.", "图像比例与训练图像不同。"}},
    {"reason_modality", {"The file names another modality.", "文件注明的检查方式不同。"}},
    {"reason_bodyPart", {"The file names another body part.", "文件注明的部位不同。"}},
    {"reason_view", {"The file names another view.", "文件注明的体位不同。"}},
    {"advice", {"What the model's maker advises", "模型作者的建议"}},
    {"picture", {"Picture", "图像"}},
    {"picture_words",
     {"As the file asks to be shown. Marks are drawn by hand.", "按文件自带的窗宽窗位显示；标记为手工绘制。"}},
    {"map", {"What influenced the model", "影响模型的区域"}},
    {"map_words",
     {"{0}, for “{1}”. It shows what influenced the model, not a lesion. Outlined: {2} of the highest place and more.",
      "{0}，针对“{1}”。它显示影响模型的区域，而不是病灶。轮廓内为最高值的 {2} 及以上。"}},
    {"share", {"Share of influence", "影响占比"}},
    {"place", {"Place in pixels", "像素位置"}},
    {"size", {"Size in mm", "大小（毫米）"}},
    {"region", {"Region", "区域"}},
    {"patient", {"Patient", "患者"}},
    {"name", {"Name", "姓名"}},
    {"id", {"Identifier", "编号"}},
    {"birthDate", {"Born", "出生日期"}},
    {"sex", {"Sex", "性别"}},
    {"date", {"Date of study", "检查日期"}},
    {"accession", {"Accession number", "检查号"}},
    {"model", {"Model", "模型"}},
    {"model_title", {"Title", "标题"}},
    {"model_name", {"Name", "名称"}},
    {"task", {"Task", "任务"}},
    {"task_binary", {"present or absent", "有或无"}},
    {"task_single", {"one of the labels", "单选标签"}},
    {"task_multi", {"each label for itself", "多选标签"}},
    {"limits", {"Limits", "局限"}},
    {"no_limits", {"The model names none. That does not mean that it has none.", "模型未说明；这不表示没有局限。"}},
    {"license", {"Licence", "许可"}},
    {"file", {"File", "文件"}},
    {"frame", {"Frame", "帧"}},
    {"pixels", {"Size", "尺寸"}},
    {"run", {"Run", "运行"}},
    {"software", {"Software", "软件"}},
    {"time", {"Time", "时间"}},
    {"digest_image", {"SHA-256 of the picture", "图像 SHA-256"}},
    {"digest_model", {"SHA-256 of the model", "模型 SHA-256"}},
    {"probability_of", {"Score of “{0}”", "“{0}”的得分"}},
    {"classified_by", {"Image classified by {0}", "由 {0} 进行的图像分类"}},
};

enum { WORD_COUNT = sizeof words / sizeof *words };

int nsc_record_language(const char *name) {
  for (int i = 0; name && i < NSC_RECORD_LANGUAGES; i++) {
    if (strcmp(name, languages[i]) == 0) return i;
  }
  return name ? -1 : 0;
}

const char *nsc_record_language_name(int language) {
  return languages[language];
}

const char *nsc_record_words(int language, const char *name) {
  for (int i = 0; i < WORD_COUNT; i++) {
    if (strcmp(words[i].name, name) == 0) return words[i].texts[language];
  }
  return NULL;
}

void nsc_record_say(nsc_text *t, int language, const char *name, const char *const values[NSC_WORDS_ARGUMENTS]) {
  const char *text = nsc_record_words(language, name);
  while (text && *text) {
    size_t plain = strcspn(text, "{");
    nsc_text_append(t, text, plain);
    text += plain;
    bool field = text[0] == '{' && text[1] >= '0' && text[1] < '0' + NSC_WORDS_ARGUMENTS && text[2] == '}';
    if (!field) break; /* texts are ours: a brace always begins a field */
    const char *value = values[text[1] - '0'];
    if (value) nsc_text_put(t, value);
    text += 3;
  }
}
