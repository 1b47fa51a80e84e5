#include "survey/identify/role.h"

#include "base/size.h"

struct word {
    struct str text;
    enum sys_type type;
};

/* Told apart in this order: "PACS workstation" is a workstation, "ECG management system" an ECG. */
static const struct word ROLES[] = {
    {STR_INIT("workstation"), TYPE_viewer},
    {STR_INIT("viewer"), TYPE_viewer},
    {STR_INIT("worklist"), TYPE_worklist},
    {STR_INIT("mwl"), TYPE_worklist},
    {STR_INIT("printer"), TYPE_printer},
    {STR_INIT("imager"), TYPE_printer},
    {STR_INIT("pump"), TYPE_infusion_pump},
    {STR_INIT("infusion"), TYPE_infusion_pump},
    {STR_INIT("monitor"), TYPE_patient_monitor},
    {STR_INIT("ecg"), TYPE_ecg},
    {STR_INIT("ekg"), TYPE_ecg},
    {STR_INIT("dispensing"), TYPE_dispensing},
    {STR_INIT("pacs"), TYPE_pacs},
    {STR_INIT("vna"), TYPE_pacs},
    {STR_INIT("archive"), TYPE_pacs},
    {STR_INIT("integration"), TYPE_integration_engine},
    {STR_INIT("interface engine"), TYPE_integration_engine},
    {STR_INIT("emr"), TYPE_emr},
    {STR_INIT("ehr"), TYPE_emr},
    {STR_INIT("his"), TYPE_emr},
    {STR_INIT("ris"), TYPE_ris_lis},
    {STR_INIT("lis"), TYPE_ris_lis},
    {STR_INIT("fhir"), TYPE_fhir},
    {STR_INIT("modality"), TYPE_modality},
    {STR_INIT("ct"), TYPE_modality},
    {STR_INIT("mr"), TYPE_modality},
    {STR_INIT("mri"), TYPE_modality},
    {STR_INIT("pet"), TYPE_modality},
    {STR_INIT("x-ray"), TYPE_modality},
    {STR_INIT("xray"), TYPE_modality},
    {STR_INIT("ultrasound"), TYPE_modality},
    {STR_INIT("mammography"), TYPE_modality},
    {STR_INIT("angiography"), TYPE_modality},
    {STR_INIT("scanner"), TYPE_modality},
    {STR_INIT("ventilator"), TYPE_other_device},
    {STR_INIT("defibrillator"), TYPE_other_device},
    {STR_INIT("dialysis"), TYPE_other_device},
    {STR_INIT("analyser"), TYPE_other_device},
    {STR_INIT("analyzer"), TYPE_other_device},
    {STR_INIT("device"), TYPE_other_device},
};

static const struct word TITLES[] = {
    {STR_INIT("ws"), TYPE_viewer},     {STR_INIT("workstation"), TYPE_viewer},
    {STR_INIT("viewer"), TYPE_viewer}, {STR_INIT("osirix"), TYPE_viewer},
    {STR_INIT("horos"), TYPE_viewer},  {STR_INIT("radiant"), TYPE_viewer},
    {STR_INIT("weasis"), TYPE_viewer}, {STR_INIT("ct"), TYPE_modality},
    {STR_INIT("mr"), TYPE_modality},   {STR_INIT("mri"), TYPE_modality},
    {STR_INIT("us"), TYPE_modality},   {STR_INIT("cr"), TYPE_modality},
    {STR_INIT("dx"), TYPE_modality},   {STR_INIT("dr"), TYPE_modality},
    {STR_INIT("mg"), TYPE_modality},   {STR_INIT("mammo"), TYPE_modality},
    {STR_INIT("nm"), TYPE_modality},   {STR_INIT("pt"), TYPE_modality},
    {STR_INIT("pet"), TYPE_modality},  {STR_INIT("xa"), TYPE_modality},
    {STR_INIT("rf"), TYPE_modality},   {STR_INIT("modality"), TYPE_modality},
};

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (uint8_t)c >= 0x80;
}

/* Whether the word stands in the text with no letter before or behind it. */
static bool has_word(struct str text, struct str word)
{
    for (size_t i = 0; i + word.n <= text.n; i++) {
        size_t end = i + word.n;
        if ((i == 0 || !is_letter(text.p[i - 1])) && (end == text.n || !is_letter(text.p[end])) &&
            str_eq_nocase(str_slice(text, i, word.n), word))
            return true;
    }
    return false;
}

static enum sys_type find(const struct word *words, size_t n, struct str text)
{
    for (size_t i = 0; i < n; i++)
        if (has_word(text, words[i].text))
            return words[i].type;
    return TYPE_none;
}

enum sys_type role_type(struct str role)
{
    enum sys_type exact = type_by_name(role);
    return exact != TYPE_none ? exact : find(ROLES, COUNT(ROLES), role);
}

enum sys_type ae_type(struct str ae)
{
    return find(TITLES, COUNT(TITLES), ae);
}
